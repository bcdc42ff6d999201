//! A reader that stops stops the items.

use std::time::Duration;

use tower_multistatus::BatchLayer;

use super::super::{get, summary};
use super::{Http, WINDOW, in_time, send, serve};

/// The length of the body of a response.
const BODY: usize = 1_000;

const ITEMS: usize = 10_000;

/// The maximum bytes of responses that wait: the frames of the layer (32 KiB, twice: one may be
/// with hyper), and what hyper buffers (400 KiB) and the client's window holds.
const WAITING: usize = 2 * 32 * 1024 + 400 * 1024 + WINDOW as usize;

#[tokio::test]
async fn an_http_2_reader_that_stops_stops_the_items_and_goes_on_when_it_reads() {
    in_time(async {
        let server = serve(BatchLayer::new("/batch")).await;
        let mut sent = send(Http::Two, server.address).await;
        for id in 0..ITEMS {
            let item = get(id, &format!("/big/{BODY}"));
            sent.upload.send(item.into()).expect("it is read");
        }
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
        println!("{begun} {bound}");
        let result = sent.response.summary_after(ITEMS - 1).await;
        assert_eq!(result, summary(ITEMS, ITEMS));
    })
    .await;
}
