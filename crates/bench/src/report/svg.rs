//! What all plots have in common: a page that is legible on light and dark ground, and the scale of an axis.

use crate::scenario::Kind;

/// A plot has its own ground, since what shows it may not follow the same scheme.
const STYLE: &str = ".ground{fill:#fff}text{fill:#1f2328}.faint{fill:#656d76}.grid{stroke:#d1d9e0}.whisker{stroke:#1f2328}\
.switchboard{fill:#0969da;stroke:#0969da}.framework{fill:#bc4c00;stroke:#bc4c00}.floor{fill:#8c959f;stroke:#8c959f}\
.line{fill:none;stroke-width:2}\
@media(prefers-color-scheme:dark){.ground{fill:#0d1117}text{fill:#e6edf3}.faint{fill:#9198a1}.grid{stroke:#30363d}\
.whisker{stroke:#e6edf3}.switchboard{fill:#4493f8;stroke:#4493f8}.framework{fill:#f0883e;stroke:#f0883e}\
.floor{fill:#6e7681;stroke:#6e7681}}";

pub const WIDTH: f64 = 720.0;

/// Above it, small values would not be seen beside large ones.
const WIDEST_LINEAR: f64 = 20.0;

/// A whole plot: its title, its key and what `body` draws.
pub fn page(title: &str, height: f64, key: &str, body: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         font-family=\"system-ui,sans-serif\" font-size=\"12\" role=\"img\">\n<title>{title}</title>\n<style>{STYLE}</style>\n\
         <rect class=\"ground\" width=\"100%\" height=\"100%\" rx=\"6\"/>\n\
         <text x=\"16\" y=\"24\" font-size=\"15\" font-weight=\"600\">{title}</text>\n\
         <text class=\"faint\" x=\"16\" y=\"42\">{key}</text>\n{body}</svg>\n",
        title = escaped(title),
        key = escaped(key),
    )
}

/// Text that may stand between tags.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// The class of what belongs to a row.
pub fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::Switchboard => "switchboard",
        Kind::Framework => "framework",
        Kind::Floor => "floor",
    }
}

/// Where values lie on an axis, from 0 to 1.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    low: f64,
    high: f64,
    pub is_log: bool,
}

impl Scale {
    /// For values from `least` to `most`: from nought, or by powers of ten where they lie far apart.
    pub fn of(least: f64, most: f64) -> Self {
        if most > least * WIDEST_LINEAR {
            Self::log(least, most)
        } else {
            Self { low: 0.0, high: most * 1.2, is_log: false }
        }
    }

    /// By powers of ten.
    pub fn log(least: f64, most: f64) -> Self {
        Self { low: least / 1.6, high: most * 1.6, is_log: true }
    }

    /// Values beyond the ends lie at the ends.
    pub fn place(&self, value: f64) -> f64 {
        let share = if self.is_log {
            (value.max(self.low) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        share.clamp(0.0, 1.0)
    }

    /// Round values that the axis shows.
    pub fn ticks(&self) -> Vec<f64> {
        if self.is_log {
            let between: &[f64] = if self.high < self.low * 200.0 { &[1.0, 2.0, 5.0] } else { &[1.0] };
            let (first, last) = (self.low.log10().floor() as i32, self.high.log10().ceil() as i32);
            let powers = (first..=last).map(|power| 10_f64.powi(power));
            let ticks = powers.flat_map(|power| between.iter().map(move |tick| tick * power));
            return ticks.filter(|tick| (self.low..=self.high).contains(tick)).collect();
        }
        let rough = self.high / 5.0;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|step| step * power).into_iter().find(|step| *step >= rough);
        let step = step.unwrap_or(rough);
        (0..).map(|number| f64::from(number) * step).take_while(|tick| *tick <= self.high).collect()
    }
}

/// A value of an axis or a bar, as short as it can be told.
pub fn short(value: f64) -> String {
    match value {
        value if value >= 1_000_000.0 => format!("{}M", rounded(value / 1_000_000.0)),
        value if value >= 10_000.0 => format!("{}k", rounded(value / 1_000.0)),
        value => rounded(value),
    }
}

fn rounded(value: f64) -> String {
    if value.fract() == 0.0 || value >= 100.0 { format!("{value:.0}") } else { format!("{value:.1}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_lie_far_apart_are_shown_by_powers_of_ten() {
        let scale = Scale::of(30.0, 20_000.0);
        assert_eq!(scale.ticks(), [100.0, 1_000.0, 10_000.0]);
        let steps = [30.0, 300.0, 3_000.0].map(|value| scale.place(value));
        assert!((steps[2] - steps[1] - (steps[1] - steps[0])).abs() < 1e-9);
    }

    #[test]
    fn a_short_axis_by_powers_of_ten_shows_values_between_them() {
        assert_eq!(Scale::of(16.0, 400.0).ticks(), [10.0, 20.0, 50.0, 100.0, 200.0, 500.0]);
    }

    #[test]
    fn values_of_one_size_start_at_nought() {
        let scale = Scale::of(30.0, 100.0);
        assert_eq!((scale.place(0.0), scale.place(60.0), scale.place(500.0)), (0.0, 0.5, 1.0));
        assert_eq!(scale.ticks(), [0.0, 50.0, 100.0]);
    }

    #[test]
    fn no_name_can_close_a_tag() {
        assert_eq!(escaped("a<b&c"), "a&lt;b&amp;c");
    }
}
