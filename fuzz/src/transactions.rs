//! Groups in transactions that fail: what remains is what the groups and items with a successful
//! response have done.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body_util::Empty;
use serde_json::{Value, json};
use tower::{Layer, service_fn};
use tower_multistatus::{
    BatchLayer, ChangeSets, RequestBody, SubrequestInfo, TransactionError, Transactions,
};

use crate::input::Input;
use crate::model::Dice;
use crate::model::exchange::{Upload, post, run as run_future, send};
use crate::model::read::{Response as Item, responses};

/// What goes wrong at one of the steps of a transaction.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    Fails,
    Conflicts,
    Unknown,
    Panics,
    Hangs,
}

/// The faults at begin, commit and rollback.
type Faults = [Fault; 3];

/// The names that were added.
#[derive(Clone, Debug, Default)]
struct Table {
    names: Arc<Mutex<BTreeSet<String>>>,
    open: Arc<AtomicUsize>,
    begun: Arc<AtomicUsize>,
    faults: Arc<Vec<Faults>>,
}

/// The names that a transaction adds.
#[derive(Clone, Debug)]
struct Added(Arc<Mutex<Vec<String>>>, Arc<Open>);

#[derive(Debug)]
struct Open(Arc<AtomicUsize>, Faults);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

async fn fault(fault: Fault) -> Result<(), TransactionError> {
    tokio::task::yield_now().await;
    match fault {
        Fault::None => Ok(()),
        Fault::Fails => Err(TransactionError::failed("the disk is full")),
        Fault::Conflicts => Err(TransactionError::conflict("40001").retry_after(3)),
        Fault::Unknown => Err(TransactionError::unknown_outcome("the connection is lost")),
        Fault::Panics => resume_unwind(Box::new("planned")),
        Fault::Hangs => std::future::pending().await,
    }
}

impl Transactions for Table {
    type Transaction = Added;

    async fn begin(&self, _: &Parts) -> Result<Added, TransactionError> {
        let nth = self.begun.fetch_add(1, SeqCst);
        let faults = self.faults[nth % self.faults.len()];
        fault(faults[0]).await?;
        self.open.fetch_add(1, SeqCst);
        Ok(Added(
            Arc::default(),
            Arc::new(Open(Arc::clone(&self.open), faults)),
        ))
    }

    async fn commit(&self, added: Added) -> Result<(), TransactionError> {
        fault(added.1.1[1]).await?;
        let mut names = self.names.lock().expect("the table");
        names.extend(added.0.lock().expect("the names").drain(..));
        Ok(())
    }

    async fn rollback(&self, added: Added) {
        // It has nothing to say about a failure.
        drop(fault(added.1.1[2]).await);
    }
}

/// What an item does, which is the first segment of its path.
const KINDS: [&str; 6] = ["add", "wait", "fail", "panic", "hang", "large"];

pub(crate) fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let dice = &mut input.dice;
    let step = |dice: &mut Dice<'_>| {
        dice.pick(&[
            Fault::None,
            Fault::None,
            Fault::None,
            Fault::Fails,
            Fault::Conflicts,
            Fault::Unknown,
            Fault::Panics,
            Fault::Hangs,
        ])
    };
    let count = 1 + dice.below(4);
    let faults = (0..count)
        .map(|_| [step(dice), step(dice), step(dice)])
        .collect();
    let table = Table {
        faults: Arc::new(faults),
        ..Table::default()
    };
    let is_whole = dice.one_in(8);
    let change_sets = ChangeSets::in_transactions(table.clone())
        .concurrent_items(dice.one_in(2))
        .whole_batch(is_whole);
    let layer = BatchLayer::new("/batch")
        .concurrency(1 + dice.below(8))
        .continue_on_error(!dice.one_in(4))
        .max_total_response_bytes(dice.pick(&[1 << 20, 1 << 20, 400]))
        .item_timeout(Duration::from_secs(1))
        .batch_timeout(Duration::from_millis(dice.pick(&[3_000_000, 1500, 10])))
        .change_sets(change_sets);
    let items = items(dice, is_whole);
    let envelope = json!({ "requests": items }).to_string();
    let headers = [("content-type", &b"application/json"[..])];
    let request = post("/batch", &headers, vec![envelope.into()]);
    let exchange = run_future(send(layer.layer(service(&table)), request));
    assert_eq!(table.open.load(SeqCst), 0, "a transaction is open");
    assert!(exchange.status.is_success(), "{:?}", exchange.body);
    let responses = responses(&exchange);
    assert_eq!(responses.len(), items.len());
    let names = table.names.lock().expect("the table").clone();
    for (item, response) in items.iter().zip(&responses) {
        let is_there = names.contains(response.id.as_deref().unwrap_or_default());
        let in_group = is_whole || item["atomicityGroup"].is_string();
        // What an item outside a group has done remains, even if its response does not fit.
        let is_lost = response.status == 507 && !in_group;
        assert!(
            is_there == (response.status == 201) || is_lost,
            "{names:?} {response:?}"
        );
    }
    assert_all_or_nothing(&items, &responses, is_whole);
}

/// Items with ids that are numbers. Groups and dependencies are valid.
fn items(dice: &mut Dice<'_>, is_whole: bool) -> Vec<Value> {
    let mut items: Vec<Value> = Vec::new();
    for at in 0..1 + dice.below(20) {
        let kind = dice.pick(&KINDS);
        let url = format!("/{kind}/{at}");
        let mut item = json!({ "id": at.to_string(), "method": "POST", "url": url });
        if is_whole {
            items.push(item);
            continue;
        }
        match dice.below(4) {
            2 => item["atomicityGroup"] = json!(format!("g{at}")),
            3 if at > 0 => item["atomicityGroup"] = items[at - 1]["atomicityGroup"].clone(),
            _ => {}
        }
        if at > 0 && dice.one_in(3) {
            let other = &items[dice.below(at)];
            let is_own = other["atomicityGroup"] == item["atomicityGroup"];
            let on = match &other["atomicityGroup"] {
                Value::String(group) if !is_own => group.clone(),
                _ => other["id"].as_str().expect("an id").to_owned(),
            };
            item["dependsOn"] = json!([on]);
        }
        items.push(item);
    }
    items
}

/// Asserts that all items of a group have succeeded, or none.
fn assert_all_or_nothing(items: &[Value], responses: &[Item], is_whole: bool) {
    for (item, response) in items.iter().zip(responses) {
        for (other, its) in items.iter().zip(responses) {
            let group = &item["atomicityGroup"];
            if is_whole || group.is_string() && *group == other["atomicityGroup"] {
                assert_eq!(response.status < 400, its.status < 400, "a group is torn");
            }
        }
    }
}

type Responding =
    std::pin::Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;
type Body = http_body_util::Either<Empty<bytes::Bytes>, http_body_util::Full<bytes::Bytes>>;

fn service(
    table: &Table,
) -> impl tower::Service<
    Request<RequestBody<Upload>>,
    Response = Response<Body>,
    Error = Infallible,
    Future = Responding,
> + Clone
+ Send
+ 'static {
    let table = table.clone();
    service_fn(move |request: Request<RequestBody<Upload>>| {
        let table = table.clone();
        Box::pin(async move {
            let info = request.extensions().get::<SubrequestInfo>();
            let id = info.expect("an item").id().to_owned();
            let transaction = request.extensions().get::<Added>().cloned();
            let kind = request
                .uri()
                .path()
                .split('/')
                .nth(1)
                .expect("a kind")
                .to_owned();
            if kind == "wait" {
                tokio::time::sleep(Duration::from_millis(3)).await;
            }
            match transaction {
                Some(added) => added.0.lock().expect("the names").push(id),
                None if matches!(&*kind, "add" | "wait" | "large") => {
                    table.names.lock().expect("the table").insert(id);
                }
                None => {}
            }
            let mut response = Response::new(Body::Left(Empty::new()));
            *response.status_mut() = StatusCode::CREATED;
            match &*kind {
                "fail" => *response.status_mut() = StatusCode::CONFLICT,
                "panic" => resume_unwind(Box::new("planned")),
                "hang" => std::future::pending().await,
                "large" => *response.body_mut() = Body::Right("x".repeat(300).into()),
                _ => {}
            }
            Ok(response)
        }) as Responding
    })
}
