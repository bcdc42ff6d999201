//! Measures what a batch saves, and writes it as a table and a chart: `benches/report.md`,
//! `benches/report.svg`, and the table of the guide page `performance`.
//!
//! ```sh
//! cargo bench --bench report               # measures, and writes
//! cargo bench --bench report -- --quick    # measures less, and writes nothing
//! ```
mod support;

use std::process::Command;
use std::time::Duration;

use support::chart;
use support::client::Way;
use support::comparison::{Comparison, Cost};
use support::harness::Mode;
use support::inner::Payload;
use support::net::{Cpu, stay_on_core};
use support::servers::Servers;

const COUNT: usize = 100;
const ROUND_TRIP: Duration = Duration::from_millis(20);
const FOLDER: &str = env!("CARGO_MANIFEST_DIR");
/// The guide page. The table is between the lines `BEGIN` and `END`.
const PAGE: &str = "src/guide/performance.md";
const BEGIN: &str = "<!-- by `cargo bench --bench report` -->\n";
const END: &str = "<!-- end -->\n";

fn main() {
    let Some(mode) = Mode::from_args() else {
        println!("`cargo bench --bench report` runs this");
        return;
    };
    if Cpu::of_this_thread().is_none() {
        println!("skipped: this system does not count the CPU time of a thread");
        return;
    }
    let about = about();
    stay_on_core(0);
    let measured = Measured::now(mode);
    let table = measured.table();
    let report = format!(
        "# What it costs\n\n{about}\n\n{table}\n![CPU time of both sides](report.svg)\n\n{}\n{}",
        measured.sizes(),
        measured.limits(),
    );
    println!("{report}");
    if mode == Mode::Quick {
        return;
    }
    let bars = Way::ALL.iter().zip(&measured.near);
    let bars = bars.map(|(way, cost)| (way.name(), cost.server * 1e6, cost.client * 1e6));
    let svg = chart::bars(
        "CPU time of 100 GETs of 30 B, in µs",
        &bars.collect::<Vec<_>>(),
    );
    let write = |path: &str, text: &str| {
        std::fs::write(format!("{FOLDER}/{path}"), text).expect("a file that can be written");
    };
    write("benches/report.svg", &svg);
    write("benches/report.md", &report);
    let page = std::fs::read_to_string(format!("{FOLDER}/{PAGE}")).expect("the guide page");
    let (before, rest) = page.split_once(BEGIN).expect("the line before the table");
    let (_, after) = rest.split_once(END).expect("the line after the table");
    write(
        PAGE,
        &format!("{before}{BEGIN}{about}\n\n{table}{END}{after}"),
    );
}

struct Measured {
    /// Over the loopback.
    near: Vec<Cost>,
    /// Over a slow wire.
    far: Vec<Cost>,
    /// Over the loopback, by the size of a response.
    sizes: Vec<(&'static str, Vec<Cost>)>,
}

impl Measured {
    fn now(mode: Mode) -> Self {
        let rounds = match mode {
            Mode::Full => 15,
            Mode::Quick => 1,
        };
        let servers = Servers::start();
        let near = |payload, times| {
            Comparison::new(&servers, None, payload, COUNT).measure(&Way::ALL, rounds, times)
        };
        let sizes = vec![
            ("30 B", near(Payload::Small, 10)),
            ("1 KiB", near(Payload::Medium, 5)),
            ("64 KiB", near(Payload::Large, 1)),
        ];
        let mut far = Comparison::new(&servers, Some(ROUND_TRIP), Payload::Small, COUNT);
        Self {
            near: sizes[0].1.clone(),
            far: far.measure(&Way::ALL, rounds.div_ceil(5), 1),
            sizes,
        }
    }

    fn table(&self) -> String {
        let mut table = format!(
            "| {COUNT} GETs of 30 B | CPU, server | CPU, client | time | time, {} ms away | KB sent |\n\
             | --- | --- | --- | --- | --- | --- |\n",
            ROUND_TRIP.as_millis()
        );
        for ((way, near), far) in Way::ALL.iter().zip(&self.near).zip(&self.far) {
            table += &format!(
                "| {} | {:.2} ms | {:.2} ms | {:.1} ms | {:.0} ms | {:.1} |\n",
                way.name(),
                near.server * 1e3,
                near.client * 1e3,
                near.wall * 1e3,
                far.wall * 1e3,
                far.bytes / 1e3,
            );
        }
        table
    }

    fn sizes(&self) -> String {
        let mut table = String::from(
            "CPU time of the server, as a multiple of what a batch takes with this crate:\n\n\
             | |",
        );
        for (size, _) in &self.sizes {
            table += &format!(" responses of {size} |");
        }
        table += "\n| --- | --- | --- | --- |\n";
        for (index, way) in Way::ALL.iter().enumerate() {
            table += &format!("| {} |", way.name());
            for (_, costs) in &self.sizes {
                let batch = costs.last().expect("a batch");
                table += &format!(" {:.1} |", costs[index].server / batch.server);
            }
            table.push('\n');
        }
        table
    }

    fn limits(&self) -> String {
        let of = |costs: &[Cost], way: Way| {
            let index = Way::ALL.iter().position(|known| *known == way);
            costs[index.expect("every way is measured")]
        };
        let near = |way| of(&self.near, way);
        let far = |way| of(&self.far, way);
        let large = |way| of(&self.sizes.last().expect("the largest").1, way).server * 1e3;
        format!(
            "## Where it does not help\n\n\
             - Against HTTP/2, for latency. Over {} ms there and back, {COUNT} GETs took {:.0} ms all at once and {:.0} ms as a \
             batch. What is saved\n  is CPU: {:.1} times less on the server, {:.1} times on the client. Bytes are not: {:.1} KB \
             against {:.1} KB, as HTTP/2 sends a header\n  that repeats once.\n\
             - Against HTTP/1 it saves CPU, time and bytes ({:.1} KB there).\n\
             - For large responses there is no gain left. At 64 KiB a response the server computes for {:.1} ms over HTTP/2, for \
             {:.1} ms as a batch\n  whose responses are trusted, and for {:.1} ms as one whose responses are checked to be JSON, \
             as they are by default.\n",
            ROUND_TRIP.as_millis(),
            far(Way::Multiplexed).wall * 1e3,
            far(Way::Batch).wall * 1e3,
            near(Way::Multiplexed).server / near(Way::Batch).server,
            near(Way::Multiplexed).client / near(Way::Batch).client,
            far(Way::Batch).bytes / 1e3,
            far(Way::Multiplexed).bytes / 1e3,
            far(Way::KeepAlive).bytes / 1e3,
            large(Way::Multiplexed),
            large(Way::Trusting),
            large(Way::Batch),
        )
    }
}

/// The date, the machine and the command of the measurement.
fn about() -> String {
    let output = |program: &str, args: &[&str]| {
        let output = Command::new(program).args(args).output();
        let output = output.map(|output| output.stdout).unwrap_or_default();
        String::from_utf8_lossy(&output).trim().to_owned()
    };
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let models = cpus
        .lines()
        .filter_map(|line| line.strip_prefix("model name"));
    let model = models
        .map(|line| line.trim_start_matches([' ', '\t', ':']))
        .next();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!(
        "Measured on {} on {cores} cores ({}) with {}. Client and server have one thread\n\
         each and share one core; the service is an axum `Router` of 20 routes. The machine has other work: read the times as\n\
         ratios. `cargo bench --bench report` measures again.",
        output("date", &["-u", "+%F"]),
        model.unwrap_or("unknown CPU"),
        output("rustc", &["--version"]),
    )
}
