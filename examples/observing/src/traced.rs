//! Spans of batches and items, for OpenTelemetry.

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Subscriber;
use tracing_subscriber::layer::SubscriberExt;

/// A subscriber that sends all spans to the exporters of this provider.
pub fn exporting(provider: &SdkTracerProvider) -> impl Subscriber + use<> {
    let spans = tracing_opentelemetry::layer().with_tracer(provider.tracer("api"));
    tracing_subscriber::registry().with(spans)
}
