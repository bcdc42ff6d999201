//! Any bytes from a client are refused without a dispatch, or have one response per item.
//! `serde_json` decides which.

use http::StatusCode;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::json_reference::reference;
use crate::support::{ask, run};

fn assert_agrees(envelope: &[u8]) -> Result<(), TestCaseError> {
    let shown = String::from_utf8_lossy(envelope).into_owned();
    let (reply, log) = run(ask(envelope.to_vec()));
    let Some(ids) = reference(envelope) else {
        prop_assert_ne!(reply.status, StatusCode::MULTI_STATUS, "{}", shown);
        prop_assert!(!reply.code().is_empty());
        prop_assert_eq!(log.len(), 0, "{}", shown);
        return Ok(());
    };
    prop_assert_eq!(reply.status, StatusCode::MULTI_STATUS, "{}", shown);
    let returned: Vec<_> = reply
        .items()
        .iter()
        .map(|item| item["id"].clone())
        .collect();
    prop_assert_eq!(returned, ids, "{}", shown);
    // Only items that reach the recorder have status 200.
    let statuses = reply.statuses();
    let dispatched = statuses.iter().filter(|status| **status == 200).count();
    prop_assert_eq!(log.len(), dispatched, "{}", shown);
    Ok(())
}

/// A JSON value of any type, or something similar.
fn value() -> impl Strategy<Value = String> {
    let leaf = select(vec![
        "null",
        "true",
        "false",
        "0",
        "-1.5e3",
        "01",
        "1.",
        "tru",
        "\"\"",
        "\"a\"",
        "\"\\u0061\"",
        "\"\\ud800\"",
        "\"é\"",
        "\"\\x\"",
        "\"\t\"",
        "[]",
        "{}",
        " 1 ",
    ]);
    leaf.prop_map(str::to_owned)
        .prop_recursive(3, 12, 3, |inner| {
            let member = (select(vec!["a", "b", "\\u0061", ""]), inner.clone());
            prop_oneof![
                vec(inner, 0..3).prop_map(|values| format!("[{}]", values.join(","))),
                vec(member, 0..3).prop_map(|members| {
                    let members: Vec<_> = members
                        .iter()
                        .map(|(name, value)| format!("\"{name}\":{value}"))
                        .collect();
                    format!("{{{}}}", members.join(", "))
                }),
            ]
        })
}

/// Valid members, each once, in any order.
fn sound_members() -> impl Strategy<Value = Vec<String>> {
    let one_of =
        |members: &[&str]| select(members.iter().map(|m| m.to_string()).collect::<Vec<_>>());
    let all = (
        one_of(&[
            r#""id":"$""#,
            r#""\u0069d":"$""#,
            r#""id":"$\u00e9""#,
            r#""id":"a""#,
        ]),
        one_of(&[
            r#""method":"GET""#,
            r#""m\u0065thod":"post""#,
            r#""method":"BREW""#,
        ]),
        one_of(&[r#""url":"/1""#, r#""url":"a?b=c""#, r#""url":7"#]),
        one_of(&[
            r#""headers":{"x":"1","y":["2","3"]}"#,
            r#""headers":{"content-type":"text/plain"}"#,
        ]),
        one_of(&[r#""body":"YQ==""#, r#""body":{"a":[1]}"#, r#""body":null"#]),
        one_of(&[
            r#""dependsOn":["a"]"#,
            r#""dependsOn":[]"#,
            r#""x":[[],{}]"#,
        ]),
    );
    (all, 3..=6usize).prop_flat_map(|((id, method, url, headers, body, on), count)| {
        Just(vec![id, method, url, headers, body, on][..count].to_vec()).prop_shuffle()
    })
}

fn any_member() -> impl Strategy<Value = String> {
    let name = select(vec![
        "id",
        "method",
        "url",
        "headers",
        "body",
        "dependsOn",
        "if",
        "atomicityGroup",
        "requests",
        "Requests",
        "depends_on",
        "x",
        "\\u0069d",
    ]);
    (name, value()).prop_map(|(name, value)| format!("\"{name}\":{value}"))
}

fn item() -> impl Strategy<Value = String> {
    let other = prop::option::weighted(0.1, (any_member(), any::<Index>()));
    let members = (sound_members(), other).prop_map(|(mut members, other)| {
        if let Some((member, at)) = other {
            members.insert(at.index(members.len()), member);
        }
        format!("{{{}}}", members.join(","))
    });
    prop_oneof![19 => members, 1 => value()]
}

/// An envelope. A `$` in an item is replaced by its letter.
fn envelope() -> impl Strategy<Value = String> {
    let other =
        prop_oneof![4 => Just(String::new()), 1 => any_member().prop_map(|member| member + ",")];
    (other, vec(item(), 0..4)).prop_map(|(other, items)| {
        let items: Vec<_> = items
            .iter()
            .zip(["a", "b", "c", "d"])
            .map(|(item, letter)| item.replace('$', letter))
            .collect();
        format!("{{{other}\"requests\":[{}]}}", items.join(",\n"))
    })
}

#[derive(Clone, Debug)]
enum Mutation {
    Flip(Index, u8),
    Cut(Index),
    Remove(Index, Index),
    Double(Index, Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = any::<Index>;
    prop_oneof![
        (at(), 0..8_u8).prop_map(|(at, bit)| Mutation::Flip(at, 1 << bit)),
        at().prop_map(Mutation::Cut),
        (at(), at()).prop_map(|(from, to)| Mutation::Remove(from, to)),
        (at(), at()).prop_map(|(from, to)| Mutation::Double(from, to)),
    ]
}

fn mutate(bytes: &mut Vec<u8>, mutation: &Mutation) {
    let length = bytes.len().max(1);
    let range = |from: &Index, to: &Index| {
        let (from, to) = (from.index(length), to.index(length));
        from.min(to)..from.max(to)
    };
    match mutation {
        Mutation::Flip(at, bits) => {
            if let Some(byte) = bytes.get_mut(at.index(length)) {
                *byte ^= bits;
            }
        }
        Mutation::Cut(at) => bytes.truncate(at.index(length)),
        Mutation::Remove(from, to) => drop(bytes.drain(range(from, to))),
        Mutation::Double(from, to) => {
            let range = range(from, to);
            let again = bytes[range.clone()].to_vec();
            bytes.splice(range.end..range.end, again);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(1000)
    })]

    #[test]
    fn random_bytes_do_no_harm(bytes in vec(any::<u8>(), 0..200)) {
        assert_agrees(&bytes)?;
    }

    #[test]
    fn random_envelopes_are_refused_if_serde_json_refuses_them(envelope in envelope()) {
        assert_agrees(envelope.as_bytes())?;
    }

    #[test]
    fn damaged_envelopes_are_refused_if_serde_json_refuses_them(
        envelope in envelope(),
        mutations in vec(mutation(), 1..3),
    ) {
        let mut bytes = envelope.into_bytes();
        mutations.iter().for_each(|mutation| mutate(&mut bytes, mutation));
        assert_agrees(&bytes)?;
    }
}

#[test]
fn envelopes_broken_at_any_byte_are_refused_like_by_serde_json() -> Result<(), TestCaseError> {
    let usual = br#"{"requests":[{"id":"a","method":"GET","url":"/a?b"},{"id":"b","method":"GET","url":"/b","if":null}]}"#;
    for at in 0..usual.len() {
        assert_agrees(&usual[..at])?;
        let (before, after) = usual.split_at(at);
        assert_agrees(&[before, &after[1..]].concat())?;
        for byte in *b"\" \n{},:\\a\x01\x7F\xC3" {
            assert_agrees(&[before, &[byte], after].concat())?;
            assert_agrees(&[before, &[byte], &after[1..]].concat())?;
        }
    }
    Ok(())
}
