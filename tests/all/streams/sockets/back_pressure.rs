//! A reader that stops stops the items.

use std::time::Duration;

use bytes::Bytes;
use tower_multistatus::BatchLayer;

use super::super::{get, summary};
use super::{Http, WINDOW, in_time, send, serve};

/// The length of the body of a response.
const BODY: usize = 1_000;

const ITEMS: usize = 10_000;

/// The maximum bytes of a frame of the response: a full one and a response more.
const FRAME: usize = 32 * 1024 + 2 * BODY;

/// The maximum bytes of responses that exist: the frame that the client has read, what its window
/// holds, and the frame that waits for it.
const WAITING: usize = FRAME + WINDOW as usize + FRAME;

#[tokio::test]
async fn an_http_2_reader_that_stops_stops_the_items_and_goes_on_when_it_reads() {
    in_time(async {
        let server = serve(BatchLayer::new("/batch")).await;
        let mut sent = send(Http::Two, server.address).await;
        let items = (0..ITEMS).map(|id| get(id, &format!("/big/{BODY}")));
        // One chunk for many lines: the HTTP/2 server of hyper closes a connection that has
        // thousands of small frames waiting.
        let items = Bytes::from(items.collect::<String>());
        sent.upload.send(items).expect("it is read");
        drop(sent.upload);
        assert_eq!(sent.response.next_item().await, ("0".to_owned(), 200));
        // Until the number has not changed for a while.
        let mut begun = 0;
        loop {
            tokio::time::sleep(Duration::from_millis(300)).await;
            match server.book.begun().len() {
                same if same == begun => break,
                more => begun = more,
            }
        }
        let bound = WAITING / BODY + 8;
        assert!(
            begun <= bound,
            "{begun} items have begun, of which {bound} may"
        );
        let result = sent.response.summary_after(ITEMS - 1).await;
        assert_eq!(result, summary(ITEMS, ITEMS));
    })
    .await;
}
