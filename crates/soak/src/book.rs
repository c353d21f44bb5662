use parking_lot::Mutex;
use switchboard::metrics::Outcome;

use crate::findings::{Findings, Kind};
use crate::loads::Load;

/// What is known from outside of each message of a load, since the last time that all was at rest.
#[derive(Debug)]
pub(crate) struct Book {
    load: Load,
    page: Mutex<Page>,
}

#[derive(Debug, Default)]
struct Page {
    /// The number of the first entry.
    first: u64,
    entries: Vec<Entry>,
}

/// One message, or all copies of it. Small, since there is one for each message of a minute.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Entry {
    pub(crate) call: Call,
    /// What else is known of it.
    pub(crate) marks: u8,
    /// How often it was accepted: once, or once for each copy, and once more for each time that it was sent again.
    pub(crate) lives: u16,
    /// How often a handler began with it.
    pub(crate) begun: u16,
    pub(crate) handled: u16,
    /// How often it ended otherwise.
    pub(crate) ended: u16,
}

/// What became of the call that sent a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Call {
    #[default]
    Open,
    Accepted,
    Refused,
    /// Its caller went away, or can't know how often it was accepted.
    Unknown,
}

/// The broker said that no handler has begun with it.
pub(crate) const NEVER_RAN: u8 = 1;
/// It was answered, well before its deadline.
pub(crate) const ANSWERED: u8 = 2;
/// Its caller waited for nothing until its deadline.
pub(crate) const TIMED_OUT: u8 = 4;
/// It may be handled several times: it was sent at least once.
pub(crate) const REPEATS: u8 = 8;
/// Of all its copies, one is handled and the others are duplicates.
pub(crate) const ONE_OF_MANY: u8 = 16;

/// What a page came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    /// How often its messages were accepted.
    pub(crate) accepted: u64,
    /// How many were dropped as duplicates.
    pub(crate) duplicates: u64,
    pub(crate) refused: u64,
}

impl Book {
    pub(crate) fn new(load: Load) -> Self {
        Self { load, page: Mutex::default() }
    }

    /// Enters another message, and gives its number.
    pub(crate) fn enter(&self) -> u64 {
        let mut page = self.page.lock();
        page.entries.push(Entry::default());
        page.first + page.entries.len() as u64 - 1
    }

    /// Notes something of a message. One of an older page was at rest: that it was not is found by the counts.
    pub(crate) fn note<R>(&self, number: u64, note: impl FnOnce(&mut Entry) -> R) -> Option<R> {
        let mut page = self.page.lock();
        let index = number.checked_sub(page.first)?;
        page.entries.get_mut(index as usize).map(note)
    }

    /// How the call went that sent it.
    pub(crate) fn called(&self, number: u64, call: Call) {
        self.note(number, |entry| {
            entry.call = call;
            entry.lives += u16::from(call == Call::Accepted);
        });
    }

    /// It was accepted so often, once for each receiver.
    pub(crate) fn taken_by(&self, number: u64, receivers: usize) {
        self.note(number, |entry| {
            entry.call = if receivers == 0 && entry.lives == 0 { Call::Refused } else { Call::Accepted };
            entry.lives += receivers as u16;
        });
    }

    pub(crate) fn mark(&self, number: u64, mark: u8) {
        self.note(number, |entry| entry.marks |= mark);
    }

    /// Whether all that is known to be accepted has ended.
    pub(crate) fn is_settled(&self) -> bool {
        self.page.lock().entries.iter().all(|entry| entry.call == Call::Unknown || entry.is_settled())
    }

    /// How many bytes the entries take.
    pub(crate) fn bytes(&self) -> u64 {
        (self.page.lock().entries.capacity() * size_of::<Entry>()) as u64
    }

    /// Looks at all entries when nothing is on its way any more, and turns the page.
    pub(crate) fn turn(&self, findings: &Findings) -> Sum {
        let mut page = self.page.lock();
        let (first, entries) = (page.first, std::mem::take(&mut page.entries));
        page.first += entries.len() as u64;
        drop(page);
        let mut sum = Sum::default();
        for (number, entry) in (first..).zip(entries) {
            if let Some((kind, what)) = entry.fault() {
                findings.add(kind, || format!("{}/{number}: {what}: {entry:?}", self.load));
            }
            sum.accepted += u64::from(if entry.call == Call::Unknown { entry.ends() } else { entry.lives });
            sum.duplicates += u64::from(entry.duplicates());
            sum.refused += u64::from(entry.call == Call::Refused);
        }
        sum
    }
}

impl Entry {
    fn ends(&self) -> u16 {
        self.handled + self.ended
    }

    fn has(&self, mark: u8) -> bool {
        self.marks & mark != 0
    }

    fn duplicates(&self) -> u16 {
        if self.has(ONE_OF_MANY) { self.lives.saturating_sub(self.ends()) } else { 0 }
    }

    fn is_settled(&self) -> bool {
        self.call != Call::Open && self.ends() + self.duplicates() >= self.lives
    }

    /// What is wrong with it, at rest.
    fn fault(&self) -> Option<(Kind, &'static str)> {
        let may_begin = if self.call == Call::Unknown { self.lives.max(1) } else { self.lives };
        let (most, ends) = (may_begin, self.ends() + self.duplicates());
        Some(match self.call {
            Call::Open => (Kind::Stuck, "the call that sent it never ended"),
            Call::Accepted if ends < self.lives => (Kind::Lost, "accepted, and no end seen"),
            Call::Refused if self.begun > 0 => (Kind::Promise, "refused, and a handler began with it"),
            _ if self.handled > most => (Kind::Twice, "handled too often"),
            _ if ends > most => (Kind::Twice, "it ended too often"),
            _ if self.begun > most && !self.has(REPEATS) => (Kind::Twice, "begun too often"),
            _ if self.has(ONE_OF_MANY) && self.handled > 1 => (Kind::Twice, "a duplicate was handled"),
            _ if self.has(NEVER_RAN) && self.begun > 0 => {
                (Kind::Promise, "said never to have run, and a handler began")
            }
            _ if self.has(ANSWERED) && self.has(TIMED_OUT) => {
                (Kind::Promise, "answered in time, and its caller timed out")
            }
            _ => return None,
        })
    }
}

/// How an end counts that a handler saw: nothing yet, if the broker keeps a copy, to handle it again or as a dead letter.
pub(crate) fn failure(at_least_once: bool, outcome: Outcome) -> Option<Outcome> {
    (!at_least_once).then_some(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(note: impl FnOnce(&Book, u64)) -> Vec<Kind> {
        let (book, findings) = (Book::new(Load::Tells), Findings::default());
        let number = book.enter();
        note(&book, number);
        book.turn(&findings);
        let kinds = [Kind::Lost, Kind::Twice, Kind::Stuck, Kind::Promise];
        kinds.into_iter().filter(|kind| findings.times(*kind) > 0).collect()
    }

    fn handled(book: &Book, number: u64) {
        book.note(number, |entry| {
            entry.begun += 1;
            entry.handled += 1;
        });
    }

    #[test]
    fn what_was_accepted_has_one_end_and_what_was_refused_has_none() {
        assert_eq!(found(|book, number| book.called(number, Call::Accepted)), [Kind::Lost]);
        assert_eq!(found(|book, number| book.called(number, Call::Refused)), []);
        assert_eq!(found(|_, _| {}), [Kind::Stuck]);
        let accepted_and = |handlings| {
            found(move |book, number| {
                book.called(number, Call::Accepted);
                (0..handlings).for_each(|_| handled(book, number));
            })
        };
        assert_eq!(accepted_and(1), []);
        assert_eq!(accepted_and(2), [Kind::Twice]);
        let refused_and_handled = |book: &Book, number| {
            book.called(number, Call::Refused);
            handled(book, number);
        };
        assert_eq!(found(refused_and_handled), [Kind::Promise]);
    }

    #[test]
    fn whose_caller_went_away_has_one_end_or_none() {
        let unknown_and = |handlings| {
            found(move |book, number| {
                book.called(number, Call::Unknown);
                (0..handlings).for_each(|_| handled(book, number));
            })
        };
        assert_eq!([0, 1, 2].map(unknown_and), [vec![], vec![], vec![Kind::Twice]]);
    }

    #[test]
    fn each_receiver_is_an_end_of_its_own_and_of_many_copies_one_is_handled() {
        let for_three = |book: &Book, number| {
            book.taken_by(number, 3);
            handled(book, number);
            handled(book, number);
        };
        assert_eq!(found(for_three), [Kind::Lost]);
        let (book, findings) = (Book::new(Load::Copies), Findings::default());
        let number = book.enter();
        book.mark(number, ONE_OF_MANY);
        book.taken_by(number, 3);
        handled(&book, number);
        assert!(book.is_settled());
        assert_eq!(book.turn(&findings), Sum { accepted: 3, duplicates: 2, refused: 0 });
        assert!(findings.is_empty());
        assert_eq!(book.enter(), 1, "numbers go on");
    }

    #[test]
    fn an_answer_in_time_is_no_timeout_and_what_never_ran_never_began() {
        let with = |marks| {
            found(move |book, number| {
                book.called(number, Call::Accepted);
                handled(book, number);
                book.mark(number, marks);
            })
        };
        assert_eq!([ANSWERED, TIMED_OUT, REPEATS].map(with), [vec![], vec![], vec![]]);
        assert_eq!([ANSWERED | TIMED_OUT, NEVER_RAN].map(with), [[Kind::Promise], [Kind::Promise]]);
    }
}
