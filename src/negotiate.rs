//! Selects the formats that read and write the envelopes, and the preferences that are honoured.

use std::sync::Arc;

use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};

use crate::config::Config;
use crate::error::{Error, ErrorKind};
use crate::format::{Decoder, Encoder, Format};
use crate::media_type::{MediaType, split_unquoted};
use crate::policy::SubrequestInfo;
use crate::preferences::{PREFER, Preferences};
use crate::rules::RunMode;
use crate::subresponse::MAX_FIELDS;

/// The result of negotiation.
pub(crate) struct Negotiated {
    pub(crate) decoder: Box<dyn Decoder>,
    pub(crate) encoder: Box<dyn Encoder>,
    pub(crate) mode: RunMode,
    pub(crate) preferences: Preferences,
}

pub(crate) fn negotiate(config: &Config, outer: &Parts) -> Result<Negotiated, Error> {
    if outer.extensions.get::<SubrequestInfo>().is_some() {
        return Err(ErrorKind::NestedBatch.into());
    }
    if outer.headers.len() > MAX_FIELDS {
        return Err(ErrorKind::TooManyHeaders.into());
    }
    let fields = Fields::of(&outer.headers);
    let (reader, mut decoder) = reader(config, &fields, outer)?;
    let accept_is_for_items = decoder.accept_is_for_items();
    let encoder = encoder(config, reader, accept_is_for_items, outer, fields.accept)?;
    let is_streamed = config.streamed.unwrap_or_else(|| encoder.is_streamed());
    // `admit`, references and transactions need all items before any runs.
    let is_growing = is_streamed
        && decoder.is_streamed()
        && config.admit.is_none()
        && !config.references
        && config.change_sets.transactions().is_none();
    if is_growing {
        let limits = config.limits.of_stream(config.max_streamed_items);
        decoder = reader.decoder(outer, &limits).unwrap_or(Ok(decoder))?;
    }
    Ok(Negotiated {
        mode: RunMode {
            is_streamed,
            is_ordered: encoder.is_ordered(),
            is_growing,
            is_sequential: decoder.is_sequential(),
        },
        decoder,
        encoder,
        preferences: if fields.has_preferences {
            let timeout = config.batch_timeout.filter(|_| !is_growing);
            Preferences::of(
                &outer.headers,
                timeout,
                config.change_sets.may_be_preferred(),
            )
        } else {
            Preferences::default()
        },
    })
}

/// The outer headers that matter for negotiation. All are found in one pass, because a look-up for
/// each name would cost several.
#[derive(Default)]
struct Fields<'a> {
    content_type: Field<'a>,
    accept: Field<'a>,
    is_encoded: bool,
    has_preferences: bool,
}

#[derive(Clone, Copy, Default)]
enum Field<'a> {
    #[default]
    Absent,
    Once(&'a HeaderValue),
    Several,
}

impl<'a> Fields<'a> {
    fn of(headers: &'a HeaderMap) -> Self {
        let mut fields = Self::default();
        for (name, value) in headers {
            if name == CONTENT_TYPE {
                fields.content_type.add(value);
            } else if name == ACCEPT {
                fields.accept.add(value);
            } else if name == CONTENT_ENCODING {
                fields.is_encoded |= !value.as_bytes().eq_ignore_ascii_case(b"identity");
            } else {
                fields.has_preferences |= name == PREFER;
            }
        }
        fields
    }
}

impl<'a> Field<'a> {
    fn add(&mut self, value: &'a HeaderValue) {
        *self = match self {
            Self::Absent => Self::Once(value),
            _ => Self::Several,
        };
    }
}

/// Selects the decoder by `Content-Type`. Only exact types count, so that a cross-site form cannot
/// send a batch.
fn reader<'a>(config: &'a Config, fields: &Fields<'_>, outer: &Parts) -> Result<Reader<'a>, Error> {
    let (Field::Once(value), false) = (fields.content_type, fields.is_encoded) else {
        return Err(unsupported(config, outer));
    };
    // Nearly every client sends the bare type without parameters.
    let reader = reader_named(config, outer, |name| value == name).or_else(|| {
        let media_type = MediaType::parse(value.to_str().ok()?);
        reader_named(config, outer, |name| media_type.is(name))
    });
    match reader {
        Some(Ok(reader)) => Ok(reader),
        // A format does not know the other formats, so `Accept-Post` is set here.
        Some(Err(error)) if error.kind() != ErrorKind::UnsupportedMediaType => Err(error),
        _ => Err(unsupported(config, outer)),
    }
}

/// A format, and its decoder for the envelope.
type Reader<'a> = (&'a dyn Format, Box<dyn Decoder>);

fn reader_named<'a>(
    config: &'a Config,
    outer: &Parts,
    is: impl Fn(&str) -> bool,
) -> Option<Result<Reader<'a>, Error>> {
    let formats = config.formats.iter().map(Arc::as_ref);
    let mut named = formats.filter(|format| format.media_types().iter().any(|name| is(name)));
    named.find_map(|format| {
        let decoder = format.decoder(outer, &config.limits)?;
        Some(decoder.map(|decoder| (format, decoder)))
    })
}

fn unsupported(config: &Config, outer: &Parts) -> Error {
    let reads = |format: &&Arc<dyn Format>| format.decoder(outer, &config.limits).is_some();
    let readable = config.formats.iter().filter(reads);
    let types: Vec<_> = readable
        .flat_map(|format| format.media_types())
        .copied()
        .collect();
    Error::new(ErrorKind::UnsupportedMediaType).accept_post(&types.join(", "))
}

/// Selects the encoder by `Accept`. Of formats with the same weight, the one that is named most
/// exactly wins, then the one that reads the envelope.
fn encoder(
    config: &Config,
    reader: &dyn Format,
    accept_is_for_items: bool,
    outer: &Parts,
    accept: Field<'_>,
) -> Result<Box<dyn Encoder>, Error> {
    if is_reader_preferred(reader, accept_is_for_items, accept)
        && let Some(encoder) = reader.encoder(outer)
    {
        return Ok(encoder);
    }
    let others = config.formats.iter().map(Arc::as_ref);
    let mut candidates: Vec<_> = std::iter::once(reader)
        .chain(others)
        .map(Candidate::new)
        .collect();
    let mut accepts_anything = true;
    for range in accepted(&outer.headers) {
        if !accept_is_for_items || range.names_one_of(&config.formats) {
            accepts_anything = false;
            candidates.iter_mut().for_each(|one| one.apply(&range));
        }
    }
    if accepts_anything {
        candidates.iter_mut().for_each(|one| one.apply(&ANYTHING));
    }
    let mut best: Option<(Quality, Box<dyn Encoder>)> = None;
    for candidate in candidates {
        let Some(quality) = candidate.quality() else {
            continue;
        };
        if best.as_ref().is_some_and(|(best, _)| *best >= quality) {
            continue;
        }
        if let Some(encoder) = candidate.format.encoder(outer) {
            best = Some((quality, encoder));
        }
    }
    best.map(|(_, encoder)| encoder)
        .ok_or_else(|| ErrorKind::NotAcceptable.into())
}

/// Whether `Accept` certainly selects the format of the request, as that of nearly every client
/// does: it is absent, is `*/*`, or names this format, alone or before all others.
fn is_reader_preferred(reader: &dyn Format, accept_is_for_items: bool, accept: Field<'_>) -> bool {
    let value = match accept {
        Field::Absent => return true,
        Field::Once(value) => value.as_bytes(),
        Field::Several => return false,
    };
    let names = reader.media_types().iter();
    let mut after = names.filter_map(|name| value.strip_prefix(name.as_bytes()));
    value == b"*/*"
        || after.any(|rest| match rest {
            [] => true,
            [b',', ..] => !accept_is_for_items,
            _ => false,
        })
}

/// The weight in thousandths, then how exactly the range names the type.
type Quality = (u16, Exactness);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Exactness {
    Anything,
    Type,
    Subtype,
}

struct Range<'a> {
    essence: &'a str,
    weight: u16,
}

/// The range that an absent `Accept` stands for (RFC 9110 §12.5.1).
const ANYTHING: Range<'_> = Range {
    essence: "*/*",
    weight: 1000,
};

impl Range<'_> {
    /// Whether the range names one of these formats exactly and with a weight above 0, so that it
    /// is about the envelope. `application/json` does not count, because it may be about the items.
    fn names_one_of(&self, formats: &[Arc<dyn Format>]) -> bool {
        let mut names = formats.iter().flat_map(|format| format.media_types());
        self.weight > 0
            && !self.essence.eq_ignore_ascii_case("application/json")
            && names.any(|name| self.essence.eq_ignore_ascii_case(name))
    }

    fn matches(&self, media_type: &str) -> Option<Exactness> {
        if self.essence == "*/*" {
            Some(Exactness::Anything)
        } else if self.essence.eq_ignore_ascii_case(media_type) {
            Some(Exactness::Subtype)
        } else {
            let folder = self.essence.strip_suffix("/*")?;
            let (kind, _) = media_type.split_once('/')?;
            folder.eq_ignore_ascii_case(kind).then_some(Exactness::Type)
        }
    }
}

/// The media ranges of `Accept`.
fn accepted(headers: &HeaderMap) -> impl Iterator<Item = Range<'_>> {
    headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| split_unquoted(value, b','))
        .map(MediaType::parse)
        .filter(|range| !range.essence().is_empty())
        .map(|range| Range {
            essence: range.essence(),
            weight: weight(&range),
        })
}

fn weight(range: &MediaType<'_>) -> u16 {
    let weight = range.parameter("q").ok().flatten();
    let weight = weight.and_then(|weight| weight.parse::<f32>().ok());
    weight.map_or(1000, |weight| {
        (weight.clamp(0.0, 1.0) * 1000.0).round() as u16
    })
}

/// A format and its weight. For each of its media types, the most exact range counts, and of all
/// its media types the best. A range with a star matches only the first media type of a format: a
/// format that the client excludes by that name must not be selected by another one.
struct Candidate<'a> {
    format: &'a dyn Format,
    /// The best range so far for each media type. Ranges are not stored, because a header can have
    /// many.
    wanted: Vec<Option<(Exactness, u16)>>,
}

impl<'a> Candidate<'a> {
    fn new(format: &'a dyn Format) -> Self {
        let wanted = vec![None; format.media_types().len()];
        Self { format, wanted }
    }

    fn apply(&mut self, range: &Range<'_>) {
        let names = self.format.media_types().iter().enumerate();
        for ((index, name), wanted) in names.zip(&mut self.wanted) {
            let exactness = range.matches(name);
            let exactness = exactness.filter(|exact| index == 0 || *exact == Exactness::Subtype);
            *wanted = (*wanted).max(exactness.map(|exactness| (exactness, range.weight)));
        }
    }

    fn quality(&self) -> Option<Quality> {
        let wanted = self.wanted.iter().flatten();
        let wanted = wanted.filter(|(_, weight)| *weight > 0);
        wanted
            .map(|(exactness, weight)| (*weight, *exactness))
            .max()
    }
}
