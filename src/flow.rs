//! The steps of a batch: negotiate, read, decode, plan, run, respond.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use bytestring::ByteString;
use http::Response;
use http::request::Parts;
use http_body::Body;
use tower::BoxError;

use crate::admission::{Admission, Decided};
use crate::body::Envelope;
use crate::checked::CheckedBatch;
use crate::config::{Admit, Config, Hook};
use crate::engine::{
    BatchResponse, Inner, Instant, Intake, Plan, Stream, Timer, admission, require_all_valid,
};
use crate::error::{Error, ErrorKind};
use crate::format::{Decoder, Encoder, Terms};
use crate::negotiate::{Negotiated, negotiate};
use crate::panics::{CatchDrop, catch};
use crate::preferences::Preferences;
use crate::refusal::refusal;
use crate::response_head::ResponseHead;
use crate::rules::{Rules, RunMode};
use crate::subrequest::{Subrequest, WHOLE_BATCH};
use crate::watch::Watch;

/// Runs a batch and returns the outer response.
///
/// The observer is created when this is called, so that it knows of a batch that is never polled.
/// An `async fn` would also store its arguments twice.
#[inline(always)]
pub(crate) fn respond<S, B>(
    config: Arc<Config>,
    inner: CatchDrop<S>,
    outer: Arc<CatchDrop<Parts>>,
    body: B,
) -> impl Future<Output = Response<Envelope>> + Send
where
    S: Inner<B>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let watch = Watch::new(&config);
    async move {
        let head;
        // The block ends the scope of its variables, so that the future does not hold them while
        // the response is pumped.
        let mut response = {
            let accepted = match accept(&config, &outer, body).await {
                Ok(accepted) => accepted,
                Err(error) => return refusal(&config, &outer, watch, error),
            };
            head = ResponseHead::new(&config, &accepted.preferences, &outer.headers);
            let rules = Rules::new(config, &accepted.preferences, accepted.mode, accepted.terms);
            let Accepted {
                plan,
                encoder,
                deadline,
                stream,
                ..
            } = accepted;
            BatchResponse::new(plan, rules, outer, inner, encoder, deadline, stream)
        };
        if let Some(watch) = watch {
            response.observe(watch);
        }
        if response.is_streamed() {
            // hyper sends `100 Continue` only if the body is polled before the head is sent, and
            // the connection is polled in between.
            if poll_fn(|cx| Poll::Ready(response.read_ahead(cx).is_pending())).await {
                yield_now().await;
            }
            return head.streamed(response);
        }
        // Pumped in place: a separate future would store the response a second time.
        poll_fn(|cx| response.pump(cx)).await;
        head.buffered(response.into_buffered())
    }
}

/// Checks a batch without running it. The settings must not allow streams.
///
/// # Errors
///
/// If the batch is refused.
pub(crate) async fn check<B>(
    config: &Config,
    outer: &Arc<CatchDrop<Parts>>,
    body: B,
) -> Result<CheckedBatch, Error>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let accepted = accept(config, outer, body).await?;
    Ok(CheckedBatch::new(accepted.plan))
}

/// A batch that was not refused.
struct Accepted {
    plan: Plan,
    encoder: Box<dyn Encoder>,
    mode: RunMode,
    terms: Terms,
    preferences: Preferences,
    deadline: Option<Instant>,
    /// The rest of an envelope whose items run while it arrives.
    stream: Option<Box<Stream>>,
}

/// # Errors
///
/// If the batch is refused. Nothing has been dispatched then.
async fn accept<B>(
    config: &Config,
    outer: &Arc<CatchDrop<Parts>>,
    body: B,
) -> Result<Accepted, Error>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let Negotiated {
        mut decoder,
        encoder,
        mode,
        preferences,
    } = negotiate(config, outer)?;
    let mut deadline = deadline(config, mode, &preferences);
    let mut stream = None;
    let mut terms = Terms::default();
    let plan = if mode.is_growing {
        let intake = Intake::stream(body);
        stream = Some(Box::new(Stream::new(
            config,
            intake,
            decoder,
            deadline.take(),
        )));
        Plan::growing(&config.change_sets, config.max_remembered_ids)
    } else {
        let intake = Intake::whole(body, config.limits.max_envelope_bytes)?;
        let items = read(intake, &mut *decoder, deadline).await?;
        terms = decoder.terms();
        let mut plan = plan(config, &preferences, items)?;
        if terms.all_valid {
            require_all_valid(config, &mut plan, outer);
        }
        if let Some(hook) = &config.admit {
            let admission = admission(config, &plan, outer);
            admit(hook, admission, deadline).await?;
        }
        plan
    };
    Ok(Accepted {
        plan,
        encoder,
        mode,
        terms,
        preferences,
        deadline,
        stream,
    })
}

/// The end of the batch: the batch timeout, or the time that the client is willing to wait if that
/// is shorter. A stream has no batch timeout.
fn deadline(config: &Config, mode: RunMode, preferences: &Preferences) -> Option<Instant> {
    let timeout = config.batch_timeout.filter(|_| !mode.is_growing);
    let ends = [timeout, preferences.wait].into_iter().flatten().min();
    ends.and_then(|end| Instant::now()?.after(end))
}

/// Maximum frames that are read before the task yields, in case the body is always ready.
const FRAMES_PER_POLL: usize = 128;

/// Reads a whole envelope.
async fn read<B>(
    intake: Intake<B>,
    decoder: &mut dyn Decoder,
    deadline: Option<Instant>,
) -> Result<Vec<Subrequest>, Error>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let (mut intake, mut timer) = (pin!(intake), Timer::default());
    let mut items = Vec::new();
    let mut has_waited = false;
    for frames in 1_usize.. {
        if frames.is_multiple_of(FRAMES_PER_POLL) {
            yield_now().await;
            // The timer is polled only when the body is not ready.
            if deadline.is_some_and(Instant::has_come) {
                return Err(ErrorKind::UploadTimeout.into());
            }
        }
        let chunk = Inlined(
            |cx: &mut Context<'_>| match intake.as_mut().poll_chunk(cx) {
                Poll::Ready(chunk) => Poll::Ready(chunk),
                // hyper hands out bytes that have already arrived only after a first poll. These
                // need no timer.
                Poll::Pending if !std::mem::replace(&mut has_waited, true) => {
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
                Poll::Pending if deadline.is_some_and(|at| timer.poll(at, cx)) => {
                    Poll::Ready(Err(Box::new(ErrorKind::UploadTimeout.into())))
                }
                Poll::Pending => Poll::Pending,
            },
        );
        let Some(chunk) = chunk.await.map_err(|error| *error)? else {
            break;
        };
        decoder.push(chunk, &mut items)?;
        if intake.is_at_end() {
            break;
        }
    }
    decoder.end(&mut items)?;
    Ok(items)
}

/// The future of `std::future::poll_fn`, but always inlined: an envelope may arrive in chunks of a
/// byte.
struct Inlined<F>(F);

impl<T, F: FnMut(&mut Context<'_>) -> Poll<T> + Unpin> Future for Inlined<F> {
    type Output = T;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        (self.0)(cx)
    }
}

/// Yields to other tasks once.
async fn yield_now() {
    let mut has_yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Checks the number of items, and the items against each other.
fn plan(
    config: &Config,
    preferences: &Preferences,
    mut items: Vec<Subrequest>,
) -> Result<Plan, Error> {
    if items.len() > config.limits.max_items {
        return Err(config.limits.too_many_items());
    }
    if config.change_sets.are_whole_batches() || preferences.is_atomic {
        for item in &mut items {
            item.extras_mut().group = Some(ByteString::from_static(WHOLE_BATCH));
        }
    }
    Plan::new(items, &config.change_sets, config.references)
}

/// Calls `admit`, and waits for its decision.
async fn admit(
    admit: &Hook<Admit>,
    admission: Admission,
    deadline: Option<Instant>,
) -> Result<(), Error> {
    let panicked = || Error::from(ErrorKind::Panicked);
    let mut decision = match catch(|| admit(admission)).ok_or_else(panicked)? {
        Decided::Now(decision) => return decision,
        Decided::Later(decision) => CatchDrop::new(decision),
    };
    let mut timer = Timer::default();
    let decided = poll_fn(|cx| match catch(|| decision.as_mut().poll(cx)) {
        Some(Poll::Ready(decision)) => Poll::Ready(decision),
        Some(Poll::Pending) if deadline.is_some_and(|at| timer.poll(at, cx)) => {
            Poll::Ready(Err(ErrorKind::AdmissionTimeout.into()))
        }
        Some(Poll::Pending) => Poll::Pending,
        None => Poll::Ready(Err(panicked())),
    });
    decided.await
}
