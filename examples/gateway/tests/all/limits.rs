//! Concurrency limits of upstreams.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use gateway::Settings;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::support::{Fleet, mixed};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_end_whatever_the_limit_and_however_many_there_are() {
    for limit in [1, 2, 8] {
        for batches in [1, 8, 32] {
            let fleet = Fleet::start(3);
            let settings = Settings {
                limit,
                ..Settings::default()
            };
            let server = Arc::new(fleet.gateway(settings));
            let mut senders = JoinSet::new();
            for batch in 0..batches {
                let server = Arc::clone(&server);
                senders
                    .spawn(async move { server.batch(&mixed(batch * 20..batch * 20 + 20)).await });
            }
            let statuses = timeout(Duration::from_secs(20), senders.join_all()).await;
            let statuses = statuses.expect("all end").concat();
            assert_eq!(statuses, vec![200; batches * 20], "{limit} {batches}");
            for record in &fleet.records {
                let most = record.most_in_flight.load(Ordering::SeqCst);
                assert!(most <= limit, "{most} in flight with a limit of {limit}");
            }
        }
    }
}
