//! A subscriber that records spans and events.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

/// A span or an event, with the name and `id` of its parent span.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Noted {
    pub(crate) target: String,
    pub(crate) name: String,
    pub(crate) level: Option<Level>,
    pub(crate) parent: Option<String>,
    pub(crate) fields: BTreeMap<&'static str, String>,
    pub(crate) is_closed: bool,
}

impl Visit for Noted {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.fields.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name(), value.to_owned());
    }
}

/// The index of a span in the recording, and its name as a parent.
struct Place(usize, String);

#[derive(Debug, Clone, Default)]
pub(crate) struct Recording {
    spans: Arc<Mutex<Vec<Noted>>>,
    events: Arc<Mutex<Vec<Noted>>>,
}

impl Recording {
    /// Records the spans and events of this thread from now on.
    pub(crate) fn start() -> (Self, tracing::subscriber::DefaultGuard) {
        // A callsite is disabled for all threads if the first thread that reaches it has no
        // subscriber. A global subscriber prevents that for the threads of other tests.
        let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry());
        let recording = Self::default();
        let subscriber = tracing_subscriber::registry().with(recording.clone());
        let guard = tracing::subscriber::set_default(subscriber);
        tracing::callsite::rebuild_interest_cache();
        (recording, guard)
    }

    pub(crate) fn spans(&self) -> Vec<Noted> {
        self.spans.lock().expect("the spans").clone()
    }

    /// The events of the layer and of the handlers.
    pub(crate) fn events(&self) -> Vec<Noted> {
        self.events.lock().expect("the events").clone()
    }

    fn at(&self, place: usize, change: impl FnOnce(&mut Noted)) {
        change(&mut self.spans.lock().expect("the spans")[place]);
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recording {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let span = context.span(id).expect("a span");
        let parent = span.parent().map(|parent| name_of(&parent));
        let mut noted = Noted {
            target: attributes.metadata().target().to_owned(),
            name: attributes.metadata().name().to_owned(),
            level: Some(*attributes.metadata().level()),
            parent,
            ..Noted::default()
        };
        attributes.record(&mut noted);
        let name = match noted.fields.get("id") {
            Some(id) => format!("{} {id}", noted.name),
            None => noted.name.clone(),
        };
        let mut spans = self.spans.lock().expect("the spans");
        span.extensions_mut().insert(Place(spans.len(), name));
        spans.push(noted);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let span = context.span(id).expect("a span");
        let extensions = span.extensions();
        let place = extensions.get::<Place>().expect("it was noted").0;
        self.at(place, |noted| values.record(noted));
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut noted = Noted {
            target: event.metadata().target().to_owned(),
            level: Some(*event.metadata().level()),
            parent: context.event_span(event).map(|span| name_of(&span)),
            ..Noted::default()
        };
        event.record(&mut noted);
        self.events.lock().expect("the events").push(noted);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let span = context.span(&id).expect("a span");
        let place = span.extensions().get::<Place>().expect("it was noted").0;
        self.at(place, |noted| noted.is_closed = true);
    }
}

fn name_of<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>) -> String {
    span.extensions()
        .get::<Place>()
        .expect("it was noted")
        .1
        .clone()
}
