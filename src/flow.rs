//! The steps of a batch: negotiate, read, decode, plan, run, respond.

use std::error::Error as StdError;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use http::Response;
use http::request::Parts;
use http_body::Body;
use http_body_util::LengthLimitError;
use tower::BoxError;

use crate::admission::{Admission, Decided};
use crate::body::Envelope;
use crate::config::{Admit, Config, Hook};
use crate::engine::{BatchResponse, Inner, Instant, Plan, Timer, admission};
use crate::error::{Error, ErrorKind};
use crate::format::Decoder;
use crate::limits::Limits;
use crate::negotiate::{Negotiated, negotiate};
use crate::panics::{CatchDrop, catch};
use crate::refusal::refusal;
use crate::response_head::ResponseHead;
use crate::rules::Rules;
use crate::subrequest::Subrequest;

/// Runs a batch and returns the outer response.
#[expect(
    clippy::manual_async_fn,
    reason = "an `async fn` stores its arguments twice"
)]
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
    async move {
        let head;
        // The block ends the scope of its variables, so that the future does not hold them while
        // the response is pumped.
        let mut response = {
            let accepted = match accept(&config, &outer, body).await {
                Ok(accepted) => accepted,
                Err(error) => return refusal(error),
            };
            let Accepted {
                negotiated,
                plan,
                deadline,
            } = accepted;
            head = ResponseHead::new(&config, &negotiated.preferences, &outer.headers);
            let rules = Rules::new(config, &negotiated.preferences, negotiated.mode);
            BatchResponse::new(plan, rules, outer, inner, negotiated.encoder, deadline)
        };
        if response.is_streamed() {
            return head.streamed(response);
        }
        // Pumped in place: a separate future would store the response a second time.
        poll_fn(|cx| response.pump(cx)).await;
        head.buffered(response.into_buffered())
    }
}

/// A batch that was not refused.
struct Accepted {
    negotiated: Negotiated,
    plan: Plan,
    deadline: Option<Instant>,
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
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let mut negotiated = negotiate(config, outer)?;
    let deadline = deadline(config, &negotiated);
    let items = read(body, &mut *negotiated.decoder, &config.limits, deadline).await?;
    let plan = plan(config, items)?;
    if let Some(hook) = &config.admit {
        let admission = admission(config, &plan, outer);
        admit(hook, admission, deadline).await?;
    }
    Ok(Accepted {
        negotiated,
        plan,
        deadline,
    })
}

/// The end of the batch: the batch timeout, or the time that the client is willing to wait if that
/// is shorter.
fn deadline(config: &Config, negotiated: &Negotiated) -> Option<Instant> {
    let wait = negotiated.preferences.wait;
    let ends = [config.batch_timeout, wait].into_iter().flatten().min();
    ends.and_then(|end| Instant::now()?.after(end))
}

/// Maximum frames that are read before the task yields, in case the body is always ready.
const FRAMES_PER_POLL: usize = 128;

/// Reads the envelope and decodes its items.
async fn read<B>(
    body: B,
    decoder: &mut dyn Decoder,
    limits: &Limits,
    deadline: Option<Instant>,
) -> Result<Vec<Subrequest>, Error>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let max = limits.max_envelope_bytes;
    let too_large = || Error::over(ErrorKind::EnvelopeTooLarge, "max_envelope_bytes", max);
    if body.size_hint().lower() > max as u64 {
        return Err(too_large());
    }
    let (mut body, mut timer) = (pin!(body), Timer::default());
    let (mut items, mut length) = (Vec::new(), 0);
    let mut has_waited = false;
    for frames in 1_usize.. {
        if frames.is_multiple_of(FRAMES_PER_POLL) {
            yield_now().await;
            // The timer is polled only when the body is not ready.
            if deadline.is_some_and(Instant::has_come) {
                return Err(ErrorKind::UploadTimeout.into());
            }
        }
        let frame = poll_fn(|cx| match body.as_mut().poll_frame(cx) {
            Poll::Ready(frame) => Poll::Ready(Ok(frame)),
            // hyper hands out bytes that have already arrived only after a first poll. These need
            // no timer.
            Poll::Pending if !std::mem::replace(&mut has_waited, true) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Poll::Pending if deadline.is_some_and(|at| timer.poll(at, cx)) => {
                Poll::Ready(Err(ErrorKind::UploadTimeout))
            }
            Poll::Pending => Poll::Pending,
        });
        let Some(frame) = frame.await? else {
            break;
        };
        let frame = frame.map_err(|error| upload_error(error.into()))?;
        let Ok(chunk) = frame.into_data() else {
            continue;
        };
        length += chunk.len();
        if length > max {
            return Err(too_large());
        }
        decoder.push(chunk, &mut items)?;
        if body.is_end_stream() {
            break;
        }
    }
    decoder.end(&mut items)?;
    Ok(items)
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

/// Classifies an error of the outer body. A limit or a timeout outside the layer has cut the
/// envelope off, or the connection has failed.
#[cold]
fn upload_error(error: BoxError) -> ErrorKind {
    let mut source: Option<&(dyn StdError + 'static)> = Some(&*error);
    while let Some(error) = source {
        if error.is::<LengthLimitError>() {
            return ErrorKind::EnvelopeTooLarge;
        }
        let io = error.downcast_ref::<io::Error>();
        if io.is_some_and(|error| error.kind() == io::ErrorKind::TimedOut) {
            return ErrorKind::UploadTimeout;
        }
        // `io::Error::source` is the source of the wrapped error, and skips the wrapped error
        // itself.
        source = match io.and_then(io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    ErrorKind::UploadFailed
}

/// Checks the number of items, and the items against each other.
fn plan(config: &Config, items: Vec<Subrequest>) -> Result<Plan, Error> {
    let max = config.limits.max_items;
    if items.len() > max {
        return Err(Error::over(ErrorKind::TooManyItems, "max_items", max));
    }
    Plan::new(items, config.change_sets, config.references)
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
