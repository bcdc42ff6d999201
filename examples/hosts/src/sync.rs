//! Bodies for frameworks that share them between threads.

use bytes::Bytes;
use http_body::Body;
use http_body_util::{BodyStream, StreamBody};
use sync_wrapper::SyncStream;

/// Makes a body `Sync`. The body of the response is only `Send`, but salvo and poem need both.
pub(crate) fn sync<B>(body: B) -> impl Body<Data = Bytes, Error = B::Error> + Send + Sync + 'static
where
    B: Body<Data = Bytes, Error: Send> + Send + 'static,
{
    StreamBody::new(SyncStream::new(BodyStream::new(body)))
}
