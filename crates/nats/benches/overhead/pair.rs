use std::fmt;
use std::time::{Duration, Instant};

/// How many rounds each side has, and how long one is.
#[derive(Clone, Copy)]
pub(crate) struct Rounds(usize, Duration);

impl Rounds {
    /// Enough to compare.
    pub(crate) const FULL: Self = Self(9, Duration::from_millis(400));
    /// One lap of each side, to see that it works.
    pub(crate) const TRIAL: Self = Self(1, Duration::ZERO);
}

/// What the client does without a broker, and the broker beside it.
pub(crate) struct Pair {
    name: String,
    /// The time per message of each round, the client's and the broker's.
    rounds: Vec<(f64, f64)>,
}

impl Pair {
    /// Measures both in turns, after a lap of each that does not count. A lap gives how many messages it was.
    pub(crate) async fn measure(
        name: impl Into<String>,
        Rounds(rounds, time): Rounds,
        mut client: impl AsyncFnMut() -> usize,
        mut broker: impl AsyncFnMut() -> usize,
    ) -> Self {
        client().await;
        broker().await;
        let mut measured = Vec::with_capacity(rounds);
        for number in 0..rounds {
            // Whoever goes second finds a machine that has just been at work, so they take turns at that too.
            measured.push(if number % 2 == 0 {
                let first = round(time, &mut client).await;
                (first, round(time, &mut broker).await)
            } else {
                let first = round(time, &mut broker).await;
                (round(time, &mut client).await, first)
            });
        }
        let pair = Self { name: name.into(), rounds: measured };
        println!("{pair}");
        pair
    }

    /// The broker's throughput as a part of the client's: the median of the rounds, and the least and the greatest.
    fn ratio(&self) -> [f64; 3] {
        let mut ratios: Vec<f64> = self.rounds.iter().map(|(client, broker)| client / broker).collect();
        spread(&mut ratios)
    }

    /// The heads of the columns.
    pub(crate) fn heads() -> &'static str {
        "| what | client alone | broker | throughput |\n| --- | --- | --- | --- |"
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [client, broker] = [|round: &(f64, f64)| round.0, |round: &(f64, f64)| round.1].map(|side| {
            let [median, least, most] = spread(&mut self.rounds.iter().map(side).collect::<Vec<_>>());
            format!("{median:.2} µs ({least:.2}–{most:.2})")
        });
        let [median, least, most] = self.ratio();
        write!(f, "| {} | {client} | {broker} | {median:.2} × ({least:.2}–{most:.2}) |", self.name)
    }
}

/// The median, the least, the greatest.
fn spread(values: &mut [f64]) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    let middle = (values[(values.len() - 1) / 2] + values[values.len() / 2]) / 2.0;
    [middle, values[0], values[values.len() - 1]]
}

/// Microseconds per message.
async fn round(time: Duration, lap: &mut impl AsyncFnMut() -> usize) -> f64 {
    let began = Instant::now();
    let mut messages = lap().await;
    while began.elapsed() < time {
        messages += lap().await;
    }
    began.elapsed().as_secs_f64() * 1e6 / messages as f64
}
