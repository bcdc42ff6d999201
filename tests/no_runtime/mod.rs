//! Runs futures on the thread of the test, whose allocations are counted. A runtime would allocate
//! too.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::Response;
use http_body::Body;

/// Polls a future until it is ready.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

/// Reads the body of a response frame by frame, and keeps no frame. Returns the number of bytes.
pub(crate) async fn body_len<B: Body<Data = Bytes>>(response: Response<B>) -> usize {
    let mut body = pin!(response.into_body());
    let mut bytes = 0;
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        let Ok(frame) = frame else {
            panic!("the body breaks off")
        };
        bytes += frame.data_ref().map_or(0, Bytes::len);
    }
    bytes
}
