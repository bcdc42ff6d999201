//! A bar chart as SVG.

use plotters::prelude::{
    BLACK, Color, IntoDrawingArea, IntoFont, RGBColor, Rectangle, SVGBackend, Text, WHITE,
};
use plotters::style::TextStyle;
use plotters::style::text_anchor::{HPos, Pos, VPos};

const SERVER: RGBColor = RGBColor(31, 119, 180);
const CLIENT: RGBColor = RGBColor(174, 199, 232);

const WIDTH: u32 = 860;
const LEFT: i32 = 290;
const ROW: i32 = 44;
const TOP: i32 = 76;

/// Draws a bar for each name: the server's share, then the client's.
pub(crate) fn bars(title: &str, bars: &[(&str, f64, f64)]) -> String {
    draw(title, bars).expect("a string takes every drawing")
}

fn draw(title: &str, bars: &[(&str, f64, f64)]) -> Result<String, Box<dyn std::error::Error>> {
    let mut svg = String::new();
    let height = (TOP + ROW * bars.len() as i32 + 16) as u32;
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        area.fill(&WHITE)?;
        let style = |size: f64, side: HPos| {
            let font = ("sans-serif", size).into_font();
            TextStyle::from(font)
                .color(&BLACK)
                .pos(Pos::new(side, VPos::Center))
        };
        area.draw(&Text::new(title, (20, 22), style(22.0, HPos::Left)))?;
        for (name, color, x) in [("server", SERVER, LEFT), ("client", CLIENT, LEFT + 90)] {
            area.draw(&Rectangle::new([(x, 44), (x + 14, 58)], color.filled()))?;
            area.draw(&Text::new(name, (x + 20, 51), style(18.0, HPos::Left)))?;
        }
        let most = bars
            .iter()
            .map(|(_, server, client)| server + client)
            .fold(1.0, f64::max);
        let scale = (f64::from(WIDTH) - f64::from(LEFT) - 90.0) / most;
        for (index, (name, server, client)) in bars.iter().enumerate() {
            let top = TOP + ROW * index as i32;
            let middle = top + 15;
            let first = LEFT + (server * scale).round() as i32;
            let second = first + (client * scale).round() as i32;
            area.draw(&Text::new(
                *name,
                (LEFT - 12, middle),
                style(18.0, HPos::Right),
            ))?;
            area.draw(&Rectangle::new(
                [(LEFT, top), (first, top + 30)],
                SERVER.filled(),
            ))?;
            area.draw(&Rectangle::new(
                [(first, top), (second, top + 30)],
                CLIENT.filled(),
            ))?;
            let sum = format!("{:.0}", server + client);
            area.draw(&Text::new(
                sum,
                (second + 8, middle),
                style(18.0, HPos::Left),
            ))?;
        }
        area.present()?;
    }
    Ok(svg)
}
