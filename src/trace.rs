//! One span a batch, one child span an item; without the feature `tracing` nothing at all.

#[cfg(feature = "tracing")]
pub(crate) use with_tracing::{BatchSpan, ItemSpan, header_ignored};
#[cfg(not(feature = "tracing"))]
pub(crate) use without::{BatchSpan, ItemSpan, header_ignored};

#[cfg(feature = "tracing")]
mod with_tracing {
    use std::time::Instant;

    use http::{HeaderName, StatusCode};
    use tracing::field::Empty;
    use tracing::{Span, info_span};

    use crate::engine::Asked;
    use crate::policy::{Ignored, Summary};
    use crate::subrequest::Subrequest;

    /// What a client sends is cut to this many characters.
    const MAX_CHARS: usize = 128;

    #[derive(Debug)]
    pub(crate) struct BatchSpan(Span);

    impl BatchSpan {
        pub(crate) fn new(items: usize) -> Self {
            Self(info_span!(
                "batch",
                items,
                succeeded = Empty,
                failed = Empty
            ))
        }

        pub(crate) fn in_scope<T>(&self, run: impl FnOnce() -> T) -> T {
            self.0.in_scope(run)
        }

        pub(crate) fn finish(&self, summary: &Summary) {
            self.0.record("succeeded", summary.succeeded());
            self.0.record("failed", summary.failed());
        }

        /// To hold on to while the batch itself is borrowed.
        pub(crate) fn share(&self) -> Self {
            Self(self.0.clone())
        }
    }

    #[derive(Debug, Default)]
    pub(crate) struct ItemSpan(Option<(Span, Instant)>);

    impl ItemSpan {
        pub(crate) fn new(batch: &BatchSpan, item: &Subrequest, asked: Option<&Asked>) -> Self {
            let method = asked.map(|asked| &asked.method).or(item.method());
            // A URL that was refused is not told: it may have a password in it.
            let path = asked.map(|asked| asked.target.path());
            let span = info_span!(
                parent: &batch.0,
                "subrequest",
                id = shown(item.id()),
                method = method.map(|method| shown(method.as_str())),
                path = path.map(shown),
                status = Empty,
                duration_ms = Empty,
            );
            Self(Some((span, Instant::now())))
        }

        pub(crate) fn in_scope<T>(&self, run: impl FnOnce() -> T) -> T {
            match &self.0 {
                Some((span, _)) => span.in_scope(run),
                None => run(),
            }
        }

        /// The same span, for another task.
        pub(crate) fn share(&self) -> Self {
            Self(self.0.clone())
        }

        pub(crate) fn finish(self, status: StatusCode) {
            if let Some((span, begun)) = self.0 {
                span.record("status", status.as_u16());
                span.record("duration_ms", begun.elapsed().as_secs_f64() * 1000.0);
            }
        }
    }

    /// The value may be a secret.
    pub(crate) fn header_ignored(name: &HeaderName, why: Ignored) {
        let reason = match why {
            Ignored::Never => "never taken from an item",
            Ignored::NotAllowed => "not allowed by `ItemHeaders`",
            Ignored::Protected => "protected by `ItemHeaders`",
            Ignored::Inherited => "the outer request has one",
        };
        tracing::debug!(
            name = shown(name.as_str()),
            reason,
            "header of an item ignored"
        );
    }

    fn shown(text: &str) -> String {
        text.chars()
            .flat_map(char::escape_debug)
            .take(MAX_CHARS)
            .collect()
    }
}

#[cfg(not(feature = "tracing"))]
mod without {
    use http::{HeaderName, StatusCode};

    use crate::engine::Asked;
    use crate::policy::{Ignored, Summary};
    use crate::subrequest::Subrequest;

    #[derive(Debug)]
    pub(crate) struct BatchSpan;

    impl BatchSpan {
        pub(crate) fn new(_: usize) -> Self {
            Self
        }

        pub(crate) fn in_scope<T>(&self, run: impl FnOnce() -> T) -> T {
            run()
        }

        pub(crate) fn finish(&self, _: &Summary) {}

        pub(crate) fn share(&self) -> Self {
            Self
        }
    }

    #[derive(Debug, Default)]
    pub(crate) struct ItemSpan;

    impl ItemSpan {
        pub(crate) fn new(_: &BatchSpan, _: &Subrequest, _: Option<&Asked>) -> Self {
            Self
        }

        pub(crate) fn in_scope<T>(&self, run: impl FnOnce() -> T) -> T {
            run()
        }

        pub(crate) fn share(&self) -> Self {
            Self
        }

        pub(crate) fn finish(self, _: StatusCode) {}
    }

    pub(crate) fn header_ignored(_: &HeaderName, _: Ignored) {}
}
