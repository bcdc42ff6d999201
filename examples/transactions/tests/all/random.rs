//! Random batches, several at a time: what remains is what was responded to with success.

use std::collections::HashMap;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use fastrand::Rng;
use serde_json::Value;
use tokio::task::JoinSet;
use tower::ServiceExt;
use tower_multistatus::ChangeSets;

use crate::database::Database;
use crate::envelopes::{Entry, FORMATS, Outcome, Post, post, send, transfer};
use crate::on_each_database;
use crate::routes::{Hang, app};

on_each_database!(the_effects_of_random_batches_are_those_of_what_succeeded);

const BATCHES: usize = 1000;
const AT_A_TIME: usize = 4;
const ACCOUNTS: [&str; 5] = ["a", "b", "c", "d", "e"];
const BALANCE: i64 = 100;

/// A transfer that was sent.
struct Sent {
    from: &'static str,
    to: &'static str,
    amount: u32,
    reference: String,
}

/// A random entry, and its transfers.
fn entry(rng: &mut Rng, prefix: &str) -> (Entry, Vec<Sent>) {
    let count = rng.usize(1..=4);
    let mut posts = Vec::new();
    let mut sent: Vec<Sent> = Vec::new();
    for nth in 0..count {
        let post = match rng.u8(..40) {
            0 => post("/panic/p"),
            1 => post("/orphan"),
            2 => post("/nowhere"),
            kind => {
                let [from, to] = [(); 2].map(|()| ACCOUNTS[rng.usize(..ACCOUNTS.len())]);
                let amount = rng.u32(1..60);
                // Sometimes one that exists already.
                let reference = match sent.last() {
                    Some(last) if kind == 3 => last.reference.clone(),
                    _ => format!("{prefix}-{nth}"),
                };
                let post = transfer(from, to, amount, &reference);
                sent.push(Sent {
                    from,
                    to,
                    amount,
                    reference,
                });
                post
            }
        };
        posts.push(post);
    }
    if count == 1 && rng.bool() {
        let post: Post = posts.remove(0);
        return (Entry::Single(post), sent);
    }
    (Entry::Group(posts), sent)
}

/// Sends a random batch, and returns the transfers that succeeded, with the outcomes.
async fn batch(apps: [Router; 2], seed: u64, nth: usize) -> (Vec<Sent>, Vec<Outcome>) {
    let mut rng = Rng::with_seed(seed.wrapping_add(nth as u64));
    let (entries, sent): (Vec<_>, Vec<_>) = (0..rng.usize(1..=4))
        .map(|at| entry(&mut rng, &format!("{nth:04}-{at}")))
        .unzip();
    let app = &apps[rng.usize(..2)];
    let outcomes = send(app, FORMATS[rng.usize(..2)], &entries).await;
    let succeeded = sent.into_iter().zip(&outcomes);
    let succeeded = succeeded.filter(|(_, outcome)| outcome.is_success());
    (succeeded.flat_map(|(sent, _)| sent).collect(), outcomes)
}

/// Adds up what a client reads while batches run. It is the same at any time.
async fn sum(app: &Router) -> Option<i64> {
    let request = Request::get("/accounts").body(Body::empty());
    let response = app.clone().oneshot(request.expect("a request")).await;
    let response = response.expect("a response");
    if response.status() == 503 {
        return None;
    }
    assert_eq!(response.status(), 200);
    let body = to_bytes(response.into_body(), usize::MAX).await;
    let accounts: Value = serde_json::from_slice(&body.expect("a body")).expect("JSON");
    let accounts = accounts.as_array().expect("accounts");
    let balances = accounts.iter().map(|account| account["balance"].as_i64());
    balances.sum()
}

async fn the_effects_of_random_batches_are_those_of_what_succeeded(database: Database) {
    let seed = 20_260_101;
    let accounts = ACCOUNTS.map(|name| (name, BALANCE));
    database.open_accounts(&accounts).await;
    let apps = [false, true].map(|concurrent| {
        let change_sets = ChangeSets::in_transactions(database.bank.clone());
        let change_sets = change_sets.concurrent_items(concurrent);
        let layer = transactions::layer(&database.bank).change_sets(change_sets);
        app(&database.bank, layer, &Hang::default())
    });

    let mut succeeded = Vec::new();
    let mut statuses: HashMap<u16, usize> = HashMap::new();
    let mut running = JoinSet::new();
    for nth in 0..BATCHES + AT_A_TIME {
        if nth < BATCHES {
            running.spawn(batch(apps.clone(), seed, nth));
        }
        if nth >= AT_A_TIME {
            let (sent, outcomes) = running
                .join_next()
                .await
                .expect("a batch")
                .expect("no panic");
            succeeded.extend(sent);
            for outcome in outcomes {
                *statuses.entry(outcome.status).or_default() += 1;
                assert_eq!(
                    outcome.status == 503,
                    outcome.has_retry_after,
                    "{outcome:?}"
                );
            }
        }
        if nth % 10 == 0 {
            let sum = sum(&apps[0]).await;
            assert!(sum.is_none_or(|sum| sum == 5 * BALANCE), "{sum:?}");
        }
    }
    println!("statuses of the seed {seed}: {statuses:?}");
    let known = [201, 404, 409, 500, 503];
    assert!(
        statuses.keys().all(|status| known.contains(status)),
        "{statuses:?}"
    );
    assert!(statuses[&201] > 100 && statuses[&409] > 100, "{statuses:?}");

    let mut references: Vec<_> = succeeded
        .iter()
        .map(|sent| sent.reference.clone())
        .collect();
    references.sort();
    assert_eq!(database.references().await, references);
    for name in ACCOUNTS {
        let mut balance = BALANCE;
        for sent in &succeeded {
            balance -= i64::from(sent.amount) * i64::from(sent.from == name);
            balance += i64::from(sent.amount) * i64::from(sent.to == name);
        }
        assert_eq!(database.balance(name).await, balance, "{name}");
    }
    database.assert_pool_is_whole().await;
}
