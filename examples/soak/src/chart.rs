//! The chart of memory over time, as SVG.

use std::fmt::{self, Write};

use crate::run::Report;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 400.0;

/// The edges of the plot.
const LEFT: f64 = 70.0;
const RIGHT: f64 = WIDTH - 30.0;
const TOP: f64 = 70.0;
const BOTTOM: f64 = HEIGHT - 60.0;

/// The colours in light, and where the reader prefers it, in dark.
const STYLE: &str = "\
    .back { fill: #ffffff } .line { stroke: #1f77b4 } .area { fill: #1f77b4; fill-opacity: 0.12 }\n\
    .grid { stroke: #d8dee4 } .axis { stroke: #57606a } text { fill: #1f2328 }\n\
    @media (prefers-color-scheme: dark) {\n\
    .back { fill: #0d1117 } .line { stroke: #58a6ff } .area { fill: #58a6ff }\n\
    .grid { stroke: #30363d } .axis { stroke: #8b949e } text { fill: #e6edf3 }\n\
    }\n";

/// Draws the memory of the server over the time of a run.
#[must_use]
pub fn chart(report: &Report) -> String {
    let mut svg = String::new();
    draw(report, &mut svg).expect("a string takes everything");
    svg
}

fn draw(report: &Report, svg: &mut String) -> fmt::Result {
    let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let points = report.samples.iter();
    let points = points.map(|sample| (sample.seconds, mebibytes(sample.memory)));
    let points: Vec<_> = points.collect();
    let most = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).fold(0.0, f64::max);
    let (x_step, y_step) = (step(most(|point| point.0)), step(most(|point| point.1)));
    let (x_end, y_end) = (end(most(|p| p.0), x_step), end(most(|p| p.1), y_step));
    let x = |seconds: f64| LEFT + (RIGHT - LEFT) * seconds / x_end;
    let y = |mebibytes: f64| BOTTOM - (BOTTOM - TOP) * mebibytes / y_end;

    let title = format!(
        "Memory of the server while {} items ran",
        grouped(report.items)
    );
    writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"14\" role=\"img\">\n<title>{title}</title>\n\
         <style>\n{STYLE}</style>\n\
         <rect class=\"back\" width=\"{WIDTH}\" height=\"{HEIGHT}\"/>\n\
         <text x=\"{LEFT}\" y=\"34\" font-size=\"20\">{title}</text>\n\
         <text x=\"{LEFT}\" y=\"56\">{}</text>",
        subtitle(report)
    )?;
    for (at, mark) in marks(y_end, y_step) {
        let y = y(at);
        writeln!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{RIGHT}\" y2=\"{y:.1}\"/>\n\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{mark}</text>",
            LEFT - 8.0,
            y + 5.0
        )?;
    }
    for (at, mark) in marks(x_end, x_step) {
        let x = x(at);
        writeln!(
            svg,
            "<line class=\"axis\" x1=\"{x:.1}\" y1=\"{BOTTOM}\" x2=\"{x:.1}\" y2=\"{}\"/>\n\
             <text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{mark}</text>",
            BOTTOM + 5.0,
            BOTTOM + 22.0
        )?;
    }
    let line = points.iter().map(|point| (x(point.0), y(point.1)));
    let line: Vec<_> = line.map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let line = line.join(" ");
    let (first, last) = (x(0.0), x(most(|point| point.0)));
    writeln!(
        svg,
        "<polygon class=\"area\" points=\"{first:.1},{BOTTOM} {line} {last:.1},{BOTTOM}\"/>\n\
         <polyline class=\"line\" fill=\"none\" stroke-width=\"2\" points=\"{line}\"/>\n\
         <path class=\"axis\" fill=\"none\" d=\"M{LEFT} {TOP}V{BOTTOM}H{RIGHT}\"/>\n\
         <text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">time in seconds</text>\n\
         <text transform=\"translate(20 {:.1}) rotate(-90)\" text-anchor=\"middle\">\
         resident memory in MiB</text>\n</svg>",
        f64::midpoint(LEFT, RIGHT),
        HEIGHT - 14.0,
        f64::midpoint(TOP, BOTTOM)
    )
}

fn subtitle(report: &Report) -> String {
    let Some(most) = report.samples.iter().map(|sample| sample.stats.open).max() else {
        return String::new();
    };
    let batches = &report.batches;
    let cut = batches.left + batches.half_closed + batches.pipelined;
    format!(
        "{} batches read, {} cut off by their clients; up to {} items in flight",
        grouped(batches.read),
        grouped(cut),
        grouped(most)
    )
}

/// The distance of two marks, so that there are at most ten.
fn step(most: f64) -> f64 {
    let power = 10_f64.powf((most.max(1.0) / 10.0).log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * power);
    let fits = |step: &f64| most / step <= 10.0;
    steps.into_iter().find(fits).unwrap_or(most)
}

/// The end of an axis: a whole number of steps.
fn end(most: f64, step: f64) -> f64 {
    step * (most / step).ceil().max(1.0)
}

fn marks(end: f64, step: f64) -> impl Iterator<Item = (f64, String)> {
    let count = (end / step).round() as u32;
    let digits = usize::from(step < 1.0);
    (0..=count).map(move |mark| {
        let at = f64::from(mark) * step;
        (at, format!("{at:.digits$}"))
    })
}

/// A number with a comma before every three digits.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
