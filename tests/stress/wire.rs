//! The status of each item in an envelope.

use serde_json::Value;
#[cfg(feature = "shapes")]
use tower_multistatus::shape::{BodyForm, Member, Output, Shape, Top, TopOutput};

use crate::random::Random;

/// The format of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    Json,
    NdJson,
    #[cfg(feature = "multipart")]
    Multipart,
    #[cfg(feature = "shapes")]
    Shaped,
}

const WIRES: &[Wire] = &[
    Wire::Json,
    Wire::NdJson,
    #[cfg(feature = "multipart")]
    Wire::Multipart,
    #[cfg(feature = "shapes")]
    Wire::Shaped,
];

/// A shape with ids and dependencies, beside the JSON of the crate.
#[cfg(feature = "shapes")]
pub(crate) const SHAPE: Shape = Shape {
    media_types: &["application/vnd.shaped+json"],
    envelope: &[("requests", Top::Items)],
    item: &[
        ("id", Member::Id),
        ("method", Member::Method),
        ("url", Member::Url),
        ("dependsOn", Member::DependsOn),
    ],
    status: http::StatusCode::MULTI_STATUS,
    response: &[("results", TopOutput::Responses)],
    result: &[
        ("id", Output::IdOrPosition),
        ("status", Output::Status),
        ("body", Output::Body(BodyForm::Json)),
    ],
    ..Shape::DEFAULT
};

impl Wire {
    pub(crate) fn pick(random: &mut Random) -> Self {
        random.pick(WIRES)
    }

    pub(crate) fn accept(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::NdJson => "application/x-ndjson",
            #[cfg(feature = "multipart")]
            Self::Multipart => "multipart/mixed",
            #[cfg(feature = "shapes")]
            Self::Shaped => SHAPE.media_types[0],
        }
    }

    /// Whether envelopes have groups, and each item of a group has a response. In multipart a
    /// failed group has one response.
    pub(crate) fn takes_groups(self) -> bool {
        matches!(self, Self::Json | Self::NdJson)
    }

    /// Whether envelopes of this format are sent, and not only its responses wanted.
    pub(crate) fn is_sent(self) -> bool {
        !self.takes_groups() && self.accept().ends_with("json")
    }
}

/// The status of each item, in the order of the request, and whether the upload timed out before
/// its end. Asserts that no item has two, and that none is missing before another one.
pub(crate) fn statuses(wire: Wire, body: &[u8], items: usize) -> (Vec<u16>, bool) {
    let text = std::str::from_utf8(body).expect("UTF-8");
    let is_cut = text.contains("\"code\":\"upload-timeout\"");
    let mut reported: Vec<_> = match wire {
        Wire::Json => {
            let envelope: Value = serde_json::from_str(text).expect("JSON");
            let responses = envelope["responses"].as_array().expect("responses");
            responses.iter().map(item).collect()
        }
        Wire::NdJson => lines(text),
        #[cfg(feature = "multipart")]
        Wire::Multipart => parts(text),
        #[cfg(feature = "shapes")]
        Wire::Shaped => {
            let envelope: Value = serde_json::from_str(text).expect("JSON");
            let results = envelope["results"].as_array().expect("results");
            results.iter().map(item).collect()
        }
    };
    if is_cut && wire.accept().starts_with("multipart") {
        // The last part is the error.
        reported.pop();
    }
    let mut statuses = vec![None; items];
    for (id, status) in reported {
        let at: usize = id.strip_prefix('i').expect("an id").parse().expect("an id");
        assert_eq!(statuses[at].replace(status), None, "{id} is reported twice");
    }
    let reported: Vec<_> = statuses
        .iter()
        .copied()
        .map_while(|status| status)
        .collect();
    assert_eq!(reported.len(), statuses.into_iter().flatten().count());
    (reported, is_cut)
}

fn item(item: &Value) -> (String, u16) {
    let status = item["status"].as_u64().expect("a status");
    let id = item["id"].as_str().expect("an id").to_owned();
    (id, u16::try_from(status).expect("a status"))
}

/// Asserts that the last line is the correct summary.
fn lines(text: &str) -> Vec<(String, u16)> {
    let lines = text.lines().map(serde_json::from_str);
    let mut lines: Vec<Value> = lines.collect::<Result<_, _>>().expect("lines of JSON");
    let mut summary = lines.pop().expect("a summary");
    let counts = summary["summary"].as_object_mut().expect("counts");
    if let Some(error) = counts.remove("error") {
        assert_eq!(error["code"], "upload-timeout");
    }
    let reported: Vec<_> = lines.iter().map(item).collect();
    let succeeded = reported.iter().filter(|(_, status)| *status < 400).count();
    let expected = serde_json::json!({ "summary": {
        "total": reported.len(), "succeeded": succeeded, "failed": reported.len() - succeeded,
    } });
    assert_eq!(summary, expected);
    reported
}

/// Responses in the order of the request. Asserts their ids, where they have one.
#[cfg(feature = "multipart")]
fn parts(text: &str) -> Vec<(String, u16)> {
    assert!(text.trim_end().ends_with("--"), "the envelope is cut");
    let after = |start: &'static str| {
        text.lines()
            .filter_map(move |line| line.strip_prefix(start))
    };
    let statuses = after("HTTP/1.1 ").map(|line| line[..3].parse().expect("a status"));
    let reported: Vec<_> = (0..).map(|at| format!("i{at}")).zip(statuses).collect();
    for (id, (expected, _)) in after("Content-ID: ").zip(&reported) {
        assert_eq!(id.trim_matches(['<', '>']), expected);
    }
    reported
}
