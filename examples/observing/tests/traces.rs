//! The traces of the guide page. Alone in its process, because a subscriber is of a whole process.

use observing::traced::exporting;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use tower_multistatus::BatchLayer;

mod support;

use support::{run, send_batches};

/// An attribute of a span, as text.
fn attribute(span: &SpanData, name: &str) -> String {
    let mut attributes = span.attributes.iter();
    let attribute = attributes.find(|attribute| attribute.key.as_str() == name);
    attribute.map_or_else(String::new, |attribute| attribute.value.to_string())
}

#[test]
fn open_telemetry_gets_a_span_per_batch_and_a_child_per_item() {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .build();
    tracing::subscriber::with_default(exporting(&provider), || {
        run(send_batches(BatchLayer::new("/batch")));
    });
    let spans = exporter.get_finished_spans().expect("the spans");
    let batch = spans
        .iter()
        .find(|span| attribute(span, "items") == "3")
        .expect("the batch");
    let mut shown: Vec<_> = spans
        .iter()
        .map(|span| {
            let is_child = span.parent_span_id == batch.span_context.span_id();
            let names = [
                "http.request.method",
                "url.path",
                "http.response.status_code",
                "error.type",
            ];
            let attributes = names.map(|name| attribute(span, name)).join(" ");
            format!("{} {is_child} {attributes}", span.name)
        })
        .collect();
    shown.sort_unstable();
    assert_eq!(
        shown,
        [
            "batch false    ",
            "batch false   400 malformed",
            "subrequest true GET /fail 409 ",
            "subrequest true GET /users/1 200 ",
            "subrequest true GET /users/2 424 failed-dependency",
        ]
    );
}
