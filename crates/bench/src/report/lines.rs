//! A line per peer: the median at each size, with a whisker from the least to the most.

use super::growth::{Line, grouped};
use super::svg::{Scale, WIDTH, class, escaped, page, short};
use crate::spread::Spread;

const TOP: f64 = 62.0;
const BOTTOM: f64 = 300.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 24.0;

/// The two axes.
struct Axes {
    size: Scale,
    time: Scale,
}

/// Sizes by powers of ten.
pub fn chart(title: &str, of: &str, lines: &[Line<'_>]) -> String {
    let axes = Axes::of(lines);
    let mut body = axes.draw(lines, of);
    for (number, line) in lines.iter().enumerate() {
        body += &axes.line(line);
        body += &label(line, number);
    }
    let key = format!("ns, median with least and most{}", if axes.time.is_log { ", by powers of ten" } else { "" });
    page(title, BOTTOM + 44.0, &key, &body)
}

impl Axes {
    fn of(lines: &[Line<'_>]) -> Self {
        let points = || lines.iter().flat_map(|line| &line.points);
        let range = |values: Vec<f64>| {
            (values.iter().copied().fold(f64::MAX, f64::min), values.iter().copied().fold(1.0, f64::max))
        };
        let (fewest, largest) = range(points().map(|(size, _)| *size as f64).collect());
        let (least, most) = range(points().map(|(_, spread)| spread.median).collect());
        Self { size: Scale::log(fewest, largest), time: Scale::of(least, most) }
    }

    fn x(&self, size: u64) -> f64 {
        LEFT + self.size.place(size as f64) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, time: f64) -> f64 {
        BOTTOM - self.time.place(time) * (BOTTOM - TOP)
    }

    /// The times as a grid, and the sizes that were measured.
    fn draw(&self, lines: &[Line<'_>], of: &str) -> String {
        let time = |tick: f64| {
            let (y, label) = (self.y(tick), short(tick));
            format!(
                "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{:.1}\"/>\
                 <text class=\"faint\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>\n",
                WIDTH - RIGHT,
                LEFT - 8.0,
                y + 4.0
            )
        };
        let size = |size: u64| {
            let (x, y) = (self.x(size), BOTTOM + 18.0);
            format!("<text class=\"faint\" x=\"{x:.1}\" y=\"{y}\" text-anchor=\"middle\">{}</text>\n", grouped(size))
        };
        let mut text: String = self.time.ticks().into_iter().map(time).collect();
        text.extend(lines.first().into_iter().flat_map(|line| &line.points).map(|(of, _)| size(*of)));
        let (middle, below) = ((LEFT + WIDTH - RIGHT) / 2.0, BOTTOM + 36.0);
        text + &format!("<text class=\"faint\" x=\"{middle}\" y=\"{below}\" text-anchor=\"middle\">{of}</text>\n")
    }

    fn line(&self, line: &Line<'_>) -> String {
        let class = class(line.kind);
        let way: Vec<_> = line
            .points
            .iter()
            .map(|(size, spread)| format!("{:.1},{:.1}", self.x(*size), self.y(spread.median)))
            .collect();
        let points: String = line.points.iter().map(|(size, spread)| self.point(*size, spread, class)).collect();
        format!("<polyline class=\"{class} line\" points=\"{}\"/>\n{points}", way.join(" "))
    }

    fn point(&self, size: u64, spread: &Spread, class: &str) -> String {
        let (x, y, low, high) = (self.x(size), self.y(spread.median), self.y(spread.min), self.y(spread.max));
        format!(
            "<path class=\"{class}\" d=\"M{x:.1} {low:.1}V{high:.1}\"/>\
             <circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>\n"
        )
    }
}

/// The peer's name and colour, at the right above the lines.
fn label(line: &Line<'_>, number: usize) -> String {
    let (x, y) = (WIDTH - RIGHT - 170.0, 24.0 + 18.0 * number as f64);
    format!(
        "<rect class=\"{}\" x=\"{x}\" y=\"{}\" width=\"10\" height=\"10\"/><text x=\"{}\" y=\"{y}\">{}</text>\n",
        class(line.kind),
        y - 9.0,
        x + 16.0,
        escaped(line.peer)
    )
}
