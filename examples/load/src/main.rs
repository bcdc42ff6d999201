//! Sends items as a stream and as batches, and prints a table:
//! `cargo run --release --manifest-path examples/load/Cargo.toml -- 1000000`.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use load::{Measured, SERVE, Way, app, measure, serve};
use tower::BoxError;

const DEFAULT_COUNT: usize = 100_000;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let argument = std::env::args().nth(1);
    let count = match argument.as_deref() {
        Some(SERVE) => return Ok(serve(app()).await?),
        Some(count) => count.parse()?,
        None => DEFAULT_COUNT,
    };
    let program = std::env::current_exe()?;
    let mut rows = Vec::new();
    for way in Way::ALL {
        let bar = progress_bar(way, count);
        let measured = measure(&program, way, count, |items| bar.inc(items as u64)).await?;
        bar.finish_and_clear();
        rows.push(row(way, count, &measured));
    }
    println!("{count} items, each answered once, with the right status and body\n");
    println!("| | seconds | items a second | server CPU | server idle | server peak | growth |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for row in rows {
        println!("{row}");
    }
    Ok(())
}

fn progress_bar(way: Way, count: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {wide_bar} {human_pos}/{human_len} {eta}");
    let bar = ProgressBar::new(count as u64).with_message(way.to_string());
    bar.set_style(style.expect("a valid template"));
    bar
}

fn row(way: Way, count: usize, measured: &Measured) -> String {
    let each = |time: Duration| time.as_secs_f64() * 1e6 / count as f64;
    let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    format!(
        "| {way} | {:.2} | {:.0} | {:.2} µs an item | {:.1} MiB | {:.1} MiB | {:.1} MiB |",
        measured.time.as_secs_f64(),
        count as f64 / measured.time.as_secs_f64(),
        each(measured.cpu),
        mebibytes(measured.idle.now),
        mebibytes(measured.after.peak),
        mebibytes(measured.growth()),
    )
}
