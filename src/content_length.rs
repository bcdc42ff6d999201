//! The value of `Content-Length`.

use bytes::Bytes;
use http::HeaderValue;

/// The three digits of each number below 1,000.
#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
static DIGITS: [[u8; 3]; 1000] = {
    let mut all = [*b"000"; 1000];
    let mut number = 0;
    while number < all.len() {
        all[number][0] += (number / 100) as u8;
        all[number][1] += (number / 10 % 10) as u8;
        all[number][2] += (number % 10) as u8;
        number += 1;
    }
    all
};

/// Returns the value of `Content-Length`. A value below 1,000 needs no allocation, and a longer one
/// needs one, where `HeaderValue::from` needs two.
pub(crate) fn content_length(bytes: usize) -> HeaderValue {
    let zeros = usize::from(bytes < 100) + usize::from(bytes < 10);
    let digits = DIGITS.get(bytes).and_then(|digits| digits.get(zeros..));
    let digits = digits.map(|digits| HeaderValue::from_maybe_shared(Bytes::from_static(digits)));
    match digits {
        Some(Ok(value)) => value,
        _ => HeaderValue::try_from(bytes.to_string()).unwrap_or_else(|_| bytes.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_its_digits() {
        for bytes in (0..=1001).chain([9_999, 10_000, usize::MAX]) {
            assert_eq!(content_length(bytes), bytes.to_string());
        }
    }
}
