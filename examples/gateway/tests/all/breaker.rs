//! The breaker alone, on a paused clock.

use std::time::Duration;

use gateway::breaker::Breaker;
use tokio::time::{Instant, timeout};
use tower::{Service, ServiceExt, service_fn};

const SECOND: Duration = Duration::from_secs(1);

/// A breaker around a service that fails if the request says so. An error of `false` is not a
/// failure of the service.
fn breaker() -> impl Service<Result<(), bool>, Response = (), Error = bool> {
    let echo = service_fn(async |request| request);
    Breaker::new(echo, 3, SECOND, |counts| *counts)
}

async fn send(
    service: &mut impl Service<Result<(), bool>, Error = bool>,
    results: &[Result<(), bool>],
) {
    for result in results {
        let ready = timeout(Duration::ZERO, service.ready()).await;
        drop(ready.expect("it is ready").unwrap().call(*result).await);
    }
}

/// Waits until the service is ready, which it is only if it wakes its task.
async fn closes(service: &mut impl Service<Result<(), bool>, Error = bool>) {
    let ready = timeout(5 * SECOND, service.ready()).await;
    ready.expect("it wakes its task").unwrap();
}

#[tokio::test(start_paused = true)]
async fn three_failures_in_a_row_open_it_for_a_second_and_then_it_wakes_its_task() {
    let mut service = breaker();
    send(&mut service, &[Err(true); 3]).await;
    let opened = Instant::now();
    closes(&mut service).await;
    assert_eq!(opened.elapsed().as_millis(), 1_000);
}

#[tokio::test(start_paused = true)]
async fn a_success_in_between_keeps_it_closed() {
    let mut service = breaker();
    for _ in 0..3 {
        send(&mut service, &[Err(true), Err(true), Ok(())]).await;
    }
    send(&mut service, &[Ok(())]).await;
}

#[tokio::test(start_paused = true)]
async fn errors_that_do_not_count_keep_it_closed() {
    let mut service = breaker();
    send(&mut service, &[Err(false); 9]).await;
}

#[tokio::test(start_paused = true)]
async fn after_it_was_open_one_failure_opens_it_and_one_success_closes_it() {
    let mut service = breaker();
    send(&mut service, &[Err(true); 3]).await;
    closes(&mut service).await;
    send(&mut service, &[Err(true)]).await;
    let opened = Instant::now();
    closes(&mut service).await;
    assert_eq!(opened.elapsed().as_millis(), 1_000);
    send(&mut service, &[Ok(()), Err(true), Err(true), Ok(())]).await;
}

#[tokio::test(start_paused = true)]
async fn calls_that_fail_while_it_is_open_do_not_keep_it_open() {
    let slow = service_fn(async |after: Duration| {
        tokio::time::sleep(after).await;
        Err::<(), bool>(true)
    });
    let mut service = Breaker::new(slow, 1, SECOND, |_| true);
    let early = service.ready().await.unwrap().call(SECOND / 10);
    let late = service.ready().await.unwrap().call(SECOND / 2);
    let opened = Instant::now();
    let (_, _, _) = tokio::join!(early, late, async {
        tokio::time::sleep(SECOND / 5).await;
        let ready = timeout(5 * SECOND, service.ready()).await;
        drop(ready.expect("it wakes its task"));
        assert_eq!(opened.elapsed().as_millis(), 1_100);
    });
}
