use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::Entry;
use crate::disposal::lay_to_rest;
use crate::message::Deadline;
use crate::metrics::{Outcome, Outcomes, Traffic};
use crate::sync::{Mutex, MutexGuard};
use crate::timer::Timer;

/// What is to be delivered later, by the time at which it is due.
///
/// A sorted map of the standard library: entering and cancelling take the logarithm of the number of entries, any time
/// can be asked for, and it belongs to no runtime.
pub(crate) struct Agenda<M> {
    state: Mutex<State<M>>,
    timer: Arc<Timer>,
}

struct State<M> {
    /// By due time, and in the order of entering where that is the same.
    entries: BTreeMap<(Deadline, Number), Entry<M>>,
    /// When each entry is due, to find it by its number.
    due: HashMap<Number, Deadline, RandomState>,
    last: Number,
    stage: Stage,
    account: Account,
}

/// Tells the entries of one agenda apart. An entry keeps its number through all its delays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Number(u64);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Open,
    /// Only what actors set aside comes in.
    Closing,
    Closed,
}

/// The account of the messages that wait here, or have ended here.
#[derive(Clone, Copy, Default)]
struct Account {
    entered: u64,
    /// Went into a mailbox, or back to whoever had scheduled it.
    left: u64,
    waiting: usize,
    /// Are on their way to other brokers, and may come back.
    away: usize,
    outcomes: Outcomes,
}

#[expect(clippy::result_large_err, reason = "what is not taken in goes back by value, and rarely")]
impl<M> Agenda<M> {
    pub(crate) fn new(timer: Arc<Timer>) -> Self {
        let state = State {
            entries: BTreeMap::new(),
            due: HashMap::default(),
            last: Number(0),
            stage: Stage::Open,
            account: Account::default(),
        };
        Self { state: Mutex::new(state), timer }
    }

    /// Enters something new. Gives it back if nothing new is taken in any more.
    pub(crate) fn enter(&self, due: Deadline, entry: Entry<M>) -> Result<Number, Entry<M>> {
        self.enter_while(Stage::Open, due, entry)
    }

    /// Enters a message that an actor has set aside. Gives it back when the agenda is closed.
    pub(crate) fn set_aside(&self, due: Deadline, entry: Entry<M>) -> Result<Number, Entry<M>> {
        self.enter_while(Stage::Closing, due, entry)
    }

    fn enter_while(&self, until: Stage, due: Deadline, entry: Entry<M>) -> Result<Number, Entry<M>> {
        let mut state = self.state.lock();
        if state.stage > until {
            return Err(entry);
        }
        state.last = Number(state.last.0 + 1);
        let number = state.last;
        state.account.entered += u64::from(entry.is_message());
        self.insert(state, number, due, entry);
        Ok(number)
    }

    /// Enters again what was taken because it was due. Gives it back when the agenda is closed.
    pub(crate) fn delay(&self, number: Number, due: Deadline, entry: Entry<M>) -> Result<(), Entry<M>> {
        let state = self.state.lock();
        if state.stage == Stage::Closed || (state.stage == Stage::Closing && !entry.is_message()) {
            return Err(entry);
        }
        self.insert(state, number, due, entry);
        Ok(())
    }

    fn insert(&self, mut state: MutexGuard<'_, State<M>>, number: Number, due: Deadline, entry: Entry<M>) {
        state.account.waiting += usize::from(entry.is_message());
        state.due.insert(number, due);
        state.entries.insert((due, number), entry);
        drop(state);
        self.timer.wake_by(due);
    }

    /// Takes the earliest entry that is due. A message stays in this account until one of
    /// [`leave`](Self::leave), [`end`](Self::end) and [`delay`](Self::delay) says what has become of it.
    pub(crate) fn take_due(&self, now: Deadline) -> Option<(Number, Entry<M>)> {
        let mut state = self.state.lock();
        let (&(due, number), _) = state.entries.first_key_value()?;
        if due > now {
            return None;
        }
        state.take(number).map(|entry| (number, entry))
    }

    /// Takes an entry, whenever it is due, if it waits.
    pub(crate) fn take(&self, number: Number) -> Option<Entry<M>> {
        self.state.lock().take(number)
    }

    /// When the earliest entry is due.
    pub(crate) fn next_due(&self) -> Option<Deadline> {
        self.state.lock().entries.first_key_value().map(|((due, _), _)| *due)
    }

    /// When an entry is due, if it waits.
    pub(crate) fn due(&self, number: Number) -> Option<Deadline> {
        self.state.lock().due.get(&number).copied()
    }

    /// Says that a message that was taken has gone into a mailbox, or back to whoever had scheduled it.
    pub(crate) fn leave(&self) {
        self.state.lock().account.left += 1;
    }

    /// Says that a message that was taken has ended.
    pub(crate) fn end(&self, outcome: Outcome) {
        self.state.lock().account.outcomes[outcome] += 1;
    }

    /// Says that a message that was taken is on its way to another broker. It stays in this account, among what waits.
    pub(crate) fn goes_out(&self) {
        self.state.lock().account.away += 1;
    }

    /// Says that it is known what became of such a message, which is to be said next.
    pub(crate) fn comes_back(&self) {
        self.state.lock().account.away -= 1;
    }

    /// Takes in nothing new from now on, and gives what was scheduled; what is to be handled again still comes and goes.
    pub(crate) fn close_to_new(&self) -> Vec<Entry<M>> {
        self.advance(Stage::Closing, |entry| !entry.is_set_aside())
    }

    /// Takes in nothing any more, and gives all there is.
    pub(crate) fn close(&self) -> Vec<Entry<M>> {
        self.advance(Stage::Closed, |_| true)
    }

    fn advance(&self, stage: Stage, goes: impl Fn(&Entry<M>) -> bool) -> Vec<Entry<M>> {
        let mut state = self.state.lock();
        state.stage = state.stage.max(stage);
        let going: Vec<_> =
            state.entries.iter().filter(|(_, entry)| goes(entry)).map(|((_, number), _)| *number).collect();
        going.into_iter().filter_map(|number| state.take(number)).collect()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state.lock().stage == Stage::Closed
    }

    pub(crate) fn traffic(&self) -> Traffic {
        let account = self.state.lock().account;
        Traffic {
            accepted: account.entered - account.left,
            outcomes: account.outcomes,
            waiting: account.waiting + account.away,
            ..Traffic::default()
        }
    }
}

impl<M> Drop for Agenda<M> {
    fn drop(&mut self) {
        // One by one, as any of them may panic.
        let entries = std::mem::take(&mut self.state.get_mut().entries);
        entries.into_values().for_each(|entry| drop(lay_to_rest(entry)));
    }
}

impl<M> State<M> {
    fn take(&mut self, number: Number) -> Option<Entry<M>> {
        let due = self.due.remove(&number)?;
        let entry = self.entries.remove(&(due, number))?;
        self.account.waiting -= usize::from(entry.is_message());
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;
    use crate::actor::ActorCell;
    use crate::address::{ActorAddress, ActorId};
    use crate::limits::{Bounds, Place, Table};
    use crate::mailbox::MailboxOptions;
    use crate::message::{Message, MessageEnvelope};
    use crate::schedule::{Parcel, Refrain};

    #[derive(Clone, Debug)]
    struct Note(u32);

    impl Message for Note {
        const MESSAGE_TYPE: &'static str = "note";
    }

    fn agenda() -> Agenda<Note> {
        Agenda::new(Arc::new(Timer::new()))
    }

    fn place() -> Place {
        Arc::<Bounds>::default().take(Table::Scheduled).unwrap()
    }

    fn parcel(number: u32) -> Entry<Note> {
        let to = ActorAddress::named("desk").unwrap();
        let envelope = MessageEnvelope::new(Note(number));
        Entry::Message(Parcel { envelope, to, set_aside_by: None, since: Instant::now(), refusals: 0, place: place() })
    }

    fn set_aside(number: u32) -> Entry<Note> {
        let Entry::Message(mut parcel) = parcel(number) else { unreachable!("it is a message") };
        let id = ActorId::next();
        parcel.set_aside_by = Some(Arc::new(ActorCell::new(id, id.into(), MailboxOptions::default(), true)));
        Entry::Message(parcel)
    }

    fn refrain() -> Entry<Note> {
        let mut template = MessageEnvelope::new(Note(0));
        template.make_copyable();
        Entry::Refrain(Refrain::new(template, ActorAddress::named("desk").unwrap(), Duration::from_secs(1), place()))
    }

    fn at(nanos: u64) -> Deadline {
        Deadline::from_nanos(nanos)
    }

    fn number_of(entry: Entry<Note>) -> u32 {
        entry.into_envelope().into_message().0
    }

    fn due(agenda: &Agenda<Note>, now: u64) -> Option<u32> {
        agenda.take_due(at(now)).map(|(_, entry)| number_of(entry))
    }

    fn counts(agenda: &Agenda<Note>) -> (u64, usize, i64) {
        let traffic = agenda.traffic();
        (traffic.accepted, traffic.waiting, traffic.unaccounted())
    }

    #[test]
    fn entries_come_out_when_they_are_due_and_in_order_of_entering_among_equals() {
        let agenda = agenda();
        for (nanos, number) in [(30, 1), (10, 2), (20, 3), (10, 4)] {
            assert!(agenda.enter(at(nanos), parcel(number)).is_ok());
        }
        assert_eq!(agenda.next_due(), Some(at(10)));
        assert_eq!(due(&agenda, 9), None);
        assert_eq!(
            [due(&agenda, 20), due(&agenda, 20), due(&agenda, 20), due(&agenda, 20)],
            [Some(2), Some(4), Some(3), None]
        );
        assert_eq!((due(&agenda, 30), due(&agenda, 30), agenda.next_due()), (Some(1), None, None));
    }

    #[test]
    fn an_entry_keeps_its_number_through_a_delay_and_is_found_by_it() {
        let agenda = agenda();
        let number = agenda.enter(at(10), parcel(1)).ok().unwrap();
        assert_eq!(agenda.due(number), Some(at(10)));
        let (taken, entry) = agenda.take_due(at(10)).unwrap();
        assert_eq!((taken, agenda.due(number)), (number, None));
        assert!(agenda.take(number).is_none(), "it is on its way");
        assert!(agenda.delay(taken, at(50), entry).is_ok());
        assert_eq!(agenda.due(number), Some(at(50)));
        assert_eq!(agenda.take(number).map(number_of), Some(1));
        assert!(agenda.take(number).is_none());
    }

    #[test]
    fn a_message_is_accounted_for_until_it_has_left_or_ended() {
        let agenda = agenda();
        for number in 0..3 {
            assert!(agenda.enter(at(10), parcel(number)).is_ok());
        }
        assert_eq!(counts(&agenda), (3, 3, 0));
        assert!(due(&agenda, 10).is_some());
        assert_eq!(counts(&agenda), (3, 2, 1), "nobody has said yet what has become of it");
        agenda.leave();
        assert_eq!(counts(&agenda), (2, 2, 0));
        assert!(due(&agenda, 10).is_some());
        agenda.end(Outcome::Expired);
        assert_eq!(counts(&agenda), (2, 1, 0));
        let (number, entry) = agenda.take_due(at(10)).unwrap();
        assert!(agenda.delay(number, at(20), entry).is_ok());
        assert_eq!(counts(&agenda), (2, 1, 0));
    }

    #[test]
    fn what_is_sent_at_an_interval_is_no_message_that_waits() {
        let agenda = agenda();
        let number = agenda.enter(at(10), refrain()).ok().unwrap();
        assert_eq!(counts(&agenda), (0, 0, 0));
        let (_, entry) = agenda.take_due(at(10)).unwrap();
        assert!(agenda.delay(number, at(20), entry).is_ok());
        assert!(agenda.take(number).is_some());
        assert_eq!(counts(&agenda), (0, 0, 0));
    }

    #[test]
    fn closed_to_new_it_keeps_what_is_to_be_handled_again() {
        let agenda = agenda();
        for entry in [parcel(1), set_aside(2), refrain(), parcel(3)] {
            assert!(agenda.enter(at(10), entry).is_ok());
        }
        let gone: Vec<_> = agenda.close_to_new().into_iter().map(number_of).collect();
        assert_eq!(gone, [1, 0, 3]);
        assert!(agenda.enter(at(10), parcel(4)).is_err() && !agenda.is_closed());
        assert!(agenda.set_aside(at(10), set_aside(5)).is_ok());
        let (number, entry) = agenda.take_due(at(10)).unwrap();
        assert!(agenda.delay(number, at(20), entry).is_ok());
        assert!(agenda.delay(number, at(20), refrain()).is_err());
        assert_eq!(agenda.close().len(), 2);
        assert!(agenda.is_closed());
        assert!(agenda.set_aside(at(10), set_aside(6)).is_err() && agenda.delay(number, at(20), parcel(7)).is_err());
        assert_eq!(agenda.traffic().waiting, 0);
    }
}
