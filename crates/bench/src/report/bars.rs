//! A bar per peer: the median, with a whisker from the least to the most.

use super::svg::{Scale, WIDTH, class, escaped, page, short};
use crate::scenario::Kind;

const TOP: f64 = 56.0;
const ROW: f64 = 26.0;
const LEFT: f64 = 190.0;
const RIGHT: f64 = 70.0;

/// What one bar shows.
pub struct Bar<'a> {
    pub peer: &'a str,
    pub kind: Kind,
    pub length: f64,
    /// Where its whisker begins and ends.
    pub whisker: [f64; 2],
}

/// The shortest bar on top. A whisker that goes far beyond all bars ends at the edge.
pub fn chart(title: &str, key: &str, mut bars: Vec<Bar<'_>>) -> String {
    bars.sort_by(|one, other| one.length.total_cmp(&other.length));
    let least = bars.iter().map(|bar| bar.whisker[0]).fold(f64::MAX, f64::min);
    let most = bars.iter().map(|bar| bar.length).fold(0.0, f64::max);
    let scale = Scale::of(least, most);
    let bottom = TOP + ROW * bars.len() as f64;
    let mut body = axis(&scale, bottom);
    for (row, bar) in bars.iter().enumerate() {
        body += &draw(bar, &scale, TOP + ROW * row as f64);
    }
    let key = format!("{key}{}; grey has no actor library in it", if scale.is_log { ", by powers of ten" } else { "" });
    page(title, bottom + 34.0, &key, &body)
}

fn x(scale: &Scale, value: f64) -> f64 {
    LEFT + scale.place(value) * (WIDTH - LEFT - RIGHT)
}

fn axis(scale: &Scale, bottom: f64) -> String {
    let tick = |tick: f64| {
        let (x, label) = (x(scale, tick), short(tick));
        format!(
            "<path class=\"grid\" d=\"M{x:.1} {TOP}V{bottom}\"/>\
             <text class=\"faint\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{label}</text>\n",
            bottom + 18.0
        )
    };
    scale.ticks().into_iter().map(tick).collect()
}

fn draw(bar: &Bar<'_>, scale: &Scale, top: f64) -> String {
    let (middle, base) = (top + ROW / 2.0, top + ROW / 2.0 + 4.0);
    let (end, [from, to]) = (x(scale, bar.length), bar.whisker.map(|value| x(scale, value)));
    format!(
        "<text x=\"{:.1}\" y=\"{base:.1}\" text-anchor=\"end\"{weight}>{peer}</text>\
         <rect class=\"{class}\" x=\"{LEFT}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>\
         <path class=\"whisker\" d=\"M{from:.1} {middle:.1}H{to:.1}M{from:.1} {:.1}v6M{to:.1} {:.1}v6\"/>\
         <text x=\"{:.1}\" y=\"{base:.1}\">{value}</text>\n",
        LEFT - 8.0,
        top + 5.0,
        end - LEFT,
        ROW - 10.0,
        middle - 3.0,
        middle - 3.0,
        end.max(to) + 6.0,
        weight = if bar.kind == Kind::Switchboard { " font-weight=\"600\"" } else { "" },
        peer = escaped(bar.peer),
        class = class(bar.kind),
        value = short(bar.length),
    )
}
