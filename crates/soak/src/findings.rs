use std::collections::BTreeMap;
use std::fmt;

use parking_lot::Mutex;

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A message was accepted and has no end.
    Lost,
    /// A message was handled, or ended, more often than it was sent.
    Twice,
    /// A message was handled after one that was sent later.
    Order,
    /// A call or a message did not come to its end in its time.
    Stuck,
    /// The broker's accounts differ from what was seen from outside, or among themselves.
    Accounts,
    /// Memory or a table grew.
    Growth,
    /// A call had an end that it must not have.
    Promise,
}

/// Everything that went wrong: how often, and the first few of each kind in words.
#[derive(Debug, Default)]
pub struct Findings {
    found: Mutex<BTreeMap<Kind, Found>>,
}

#[derive(Debug, Default)]
struct Found {
    times: u64,
    texts: Vec<String>,
}

/// More of a kind would be no easier to understand.
const KEPT: usize = 8;

impl Findings {
    /// Whether nothing went wrong.
    pub fn is_empty(&self) -> bool {
        self.found.lock().is_empty()
    }

    /// How often something of this kind went wrong.
    pub fn times(&self, kind: Kind) -> u64 {
        self.found.lock().get(&kind).map_or(0, |found| found.times)
    }

    pub(crate) fn add(&self, kind: Kind, text: impl FnOnce() -> String) {
        let mut found = self.found.lock();
        let found = found.entry(kind).or_default();
        found.times += 1;
        if found.texts.len() < KEPT {
            found.texts.push(text());
        }
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (kind, found) in self.found.lock().iter() {
            writeln!(f, "{}: {}", kind.name(), found.times)?;
            found.texts.iter().try_for_each(|text| writeln!(f, "  {text}"))?;
            if found.times > found.texts.len() as u64 {
                writeln!(f, "  and {} more", found.times - found.texts.len() as u64)?;
            }
        }
        Ok(())
    }
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Twice => "more than once",
            Self::Order => "out of order",
            Self::Stuck => "stuck",
            Self::Accounts => "accounts that differ",
            Self::Growth => "growth",
            Self::Promise => "broken promises",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_all_and_keeps_the_first_few_of_each_kind() {
        let findings = Findings::default();
        assert!(findings.is_empty());
        (0..10).for_each(|number| findings.add(Kind::Lost, || format!("message {number}")));
        findings.add(Kind::Order, || "b before a".into());
        let text = findings.to_string();
        assert!(text.starts_with("lost: 10\n  message 0\n"), "{text}");
        assert!(text.contains("  message 7\n  and 2 more\nout of order: 1\n  b before a\n"), "{text}");
        assert_eq!((findings.times(Kind::Lost), findings.times(Kind::Stuck)), (10, 0));
    }
}
