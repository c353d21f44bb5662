//! Curves over time, as an SVG of their own.
//!
//! A page of code where a plotting crate would be a dependency with backends, colours and fonts of its own: these plots follow the
//! reader's light or dark ground, as those of the benchmarks do, which takes a style sheet in the file.

use std::fmt;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 340.0;
const TOP: f64 = 62.0;
const BOTTOM: f64 = 300.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 24.0;

const STYLE: &str = ".ground{fill:#fff}text{fill:#1f2328}.faint{fill:#656d76}.grid{stroke:#d1d9e0}\
polyline{fill:none;stroke-width:1.5}.c0{fill:#0969da;stroke:#0969da}.c1{fill:#bc4c00;stroke:#bc4c00}\
.c2{fill:#1a7f37;stroke:#1a7f37}.c3{fill:#8250df;stroke:#8250df}.c4{fill:#8c959f;stroke:#8c959f}\
@media(prefers-color-scheme:dark){.ground{fill:#0d1117}text{fill:#e6edf3}.faint{fill:#9198a1}.grid{stroke:#30363d}\
.c0{fill:#4493f8;stroke:#4493f8}.c1{fill:#f0883e;stroke:#f0883e}.c2{fill:#3fb950;stroke:#3fb950}\
.c3{fill:#ab7df8;stroke:#ab7df8}.c4{fill:#6e7681;stroke:#6e7681}}polyline.c0,polyline.c1,polyline.c2,polyline.c3,\
polyline.c4{fill:none}";

/// A plot of several curves.
#[derive(Debug)]
pub(crate) struct Chart<'a> {
    pub(crate) title: &'a str,
    pub(crate) unit: &'a str,
    /// Whether values are shown by powers of ten, and those below one as one.
    pub(crate) is_log: bool,
    pub(crate) lines: Vec<Line>,
}

/// A curve: seconds and values.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) points: Vec<(f64, f64)>,
}

impl Line {
    /// Enough for its name, whatever the font.
    fn label_width(&self) -> f64 {
        36.0 + 6.0 * self.name.len() as f64
    }
}

impl Chart<'_> {
    fn most(&self, of: impl Fn(&(f64, f64)) -> f64) -> f64 {
        self.lines.iter().flat_map(|line| &line.points).map(of).fold(1.0, f64::max)
    }

    /// Where a value is, from 0 to 1.
    fn height(&self, value: f64, most: f64) -> f64 {
        if self.is_log { value.max(1.0).ln() / most.max(10.0).ln() } else { value / most }
    }

    fn ticks(&self, most: f64) -> Vec<f64> {
        if self.is_log {
            return (0..).map(|power| 10_f64.powi(power)).take_while(|tick| *tick <= most.max(10.0)).collect();
        }
        ticks(most)
    }

    fn axes(&self, f: &mut fmt::Formatter<'_>, seconds: f64, most: f64) -> fmt::Result {
        for tick in self.ticks(most) {
            let y = BOTTOM - self.height(tick, most) * (BOTTOM - TOP);
            writeln!(
                f,
                "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{:.1}\"/>\
                 <text class=\"faint\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                WIDTH - RIGHT,
                LEFT - 8.0,
                y + 4.0,
                short(tick)
            )?;
        }
        let (unit, one) = if seconds > 300.0 { ("minutes", 60.0) } else { ("seconds", 1.0) };
        for tick in ticks(seconds / one) {
            let (x, y) = (x_of(tick * one, seconds), BOTTOM + 18.0);
            writeln!(f, "<text class=\"faint\" x=\"{x:.1}\" y=\"{y}\" text-anchor=\"middle\">{tick}</text>")?;
        }
        let (x, y) = (f64::midpoint(LEFT, WIDTH - RIGHT), BOTTOM + 34.0);
        writeln!(f, "<text class=\"faint\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{unit}</text>")
    }

    fn curve(&self, f: &mut fmt::Formatter<'_>, index: usize, seconds: f64, most: f64) -> fmt::Result {
        let line = &self.lines[index];
        let before: f64 = self.lines[..index].iter().map(Line::label_width).sum();
        let (x, name) = (LEFT + before, line.name);
        writeln!(
            f,
            "<rect class=\"c{index}\" x=\"{x}\" y=\"42\" width=\"10\" height=\"10\"/>\
             <text x=\"{}\" y=\"51\" font-size=\"11\">{name}</text>",
            x + 15.0
        )?;
        write!(f, "<polyline class=\"c{index}\" points=\"")?;
        for (at, value) in &line.points {
            let y = BOTTOM - self.height(*value, most) * (BOTTOM - TOP);
            write!(f, "{:.1},{y:.1} ", x_of(*at, seconds))?;
        }
        writeln!(f, "\"/>")
    }
}

impl fmt::Display for Chart<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, most) = (self.most(|point| point.0), self.most(|point| point.1) * 1.05);
        let Self { title, unit, .. } = self;
        writeln!(
            f,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
             font-family=\"system-ui,sans-serif\" font-size=\"12\" role=\"img\">\n<title>{title}</title>\n\
             <style>{STYLE}</style>\n<rect class=\"ground\" width=\"100%\" height=\"100%\" rx=\"6\"/>\n\
             <text x=\"16\" y=\"24\" font-size=\"15\" font-weight=\"600\">{title}<tspan class=\"faint\" font-size=\"12\" \
             font-weight=\"400\" dx=\"8\">{unit}</tspan></text>"
        )?;
        self.axes(f, seconds, most)?;
        (0..self.lines.len()).try_for_each(|index| self.curve(f, index, seconds, most))?;
        writeln!(f, "</svg>")
    }
}

fn x_of(at: f64, seconds: f64) -> f64 {
    LEFT + at / seconds * (WIDTH - LEFT - RIGHT)
}

/// Round values from nought up to this one.
fn ticks(most: f64) -> Vec<f64> {
    let rough = most / 5.0;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|step| step * power).into_iter().find(|step| *step >= rough).unwrap_or(rough);
    (0..).map(|number| f64::from(number) * step).take_while(|tick| *tick <= most).collect()
}

fn short(value: f64) -> String {
    match value {
        value if value >= 1_000_000.0 => format!("{}M", value / 1_000_000.0),
        value if value >= 10_000.0 => format!("{}k", value / 1_000.0),
        value if value >= 1.0 => format!("{value:.0}"),
        value => format!("{value:.1}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_is_between_the_axes_and_every_curve_is_named() {
        let lines = ["one", "two"].map(|name| Line { name, points: vec![(0.0, 0.0), (50.0, 20.0), (100.0, 5_000.0)] });
        for is_log in [false, true] {
            let lines = lines.iter().map(|line| Line { name: line.name, points: line.points.clone() }).collect();
            let text = Chart { title: "Both", unit: "µs", is_log, lines }.to_string();
            assert_eq!(text.matches("<polyline").count(), 2);
            assert!(text.contains(">one</text>") && text.contains(">two</text>"));
            let points =
                text.split("points=\"").skip(1).flat_map(|rest| rest.split('"').next()).flat_map(str::split_whitespace);
            for point in points {
                let (x, y) = point.split_once(',').unwrap();
                let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
                assert!((LEFT..=WIDTH - RIGHT).contains(&x) && (TOP..=BOTTOM).contains(&y), "{point}");
            }
        }
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(ticks(60.0), [0.0, 20.0, 40.0, 60.0]);
        assert_eq!([1.0, 0.5, 20_000.0, 3_000_000.0].map(short), ["1", "0.5", "20k", "3M"]);
    }
}
