use crate::address::ActorAddress;
use crate::dead_letters::{DeadLetter, DeadLetterReason};
use crate::message::MessageId;

/// Which dead letters are meant.
///
/// Conditions of different kinds must all hold. Of several of one kind, one has to.
///
/// ```
/// use switchboard::address;
/// use switchboard::dead_letters::{DeadLetterFilter, DeadLetterReason};
///
/// let too_late_at_the_desk = DeadLetterFilter::all()
///     .reason(DeadLetterReason::Expired)
///     .reason(DeadLetterReason::Cancelled)
///     .target(&address!("named:desk"))
///     .limit(20);
/// # assert_ne!(too_late_at_the_desk, DeadLetterFilter::all());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct DeadLetterFilter {
    reasons: Vec<DeadLetterReason>,
    targets: Vec<ActorAddress>,
    messages: Vec<MessageId>,
    limit: Option<usize>,
}

impl DeadLetterFilter {
    /// All of them.
    pub const fn all() -> Self {
        Self { reasons: Vec::new(), targets: Vec::new(), messages: Vec::new(), limit: None }
    }

    /// Only those with this reason, or with another that is asked for.
    pub fn reason(mut self, reason: DeadLetterReason) -> Self {
        self.reasons.push(reason);
        self
    }

    /// Only those that were to go to this address, or to another that is asked for. An id also stands for what that
    /// actor got through the name, service or pool it is registered at.
    pub fn target(mut self, address: &ActorAddress) -> Self {
        self.targets.push(address.clone());
        self
    }

    /// Only the message of this id, or of another that is asked for.
    pub fn message(mut self, id: MessageId) -> Self {
        self.messages.push(id);
        self
    }

    /// At most `letters` of them, the oldest. The last limit that was set counts.
    pub const fn limit(mut self, letters: usize) -> Self {
        self.limit = Some(letters);
        self
    }

    /// Whether all conditions hold for this one, the limit aside.
    pub fn matches<M>(&self, letter: &DeadLetter<M>) -> bool {
        any(&self.reasons, |reason| *reason == letter.reason)
            && any(&self.targets, |target| is_target(target, letter))
            && any(&self.messages, |id| *id == letter.id())
    }

    /// How many are asked for, at most.
    pub(super) fn at_most(&self) -> usize {
        self.limit.unwrap_or(usize::MAX)
    }
}

/// Whether one of the conditions holds, or there is none.
fn any<T>(conditions: &[T], holds: impl FnMut(&T) -> bool) -> bool {
    conditions.is_empty() || conditions.iter().any(holds)
}

fn is_target<M>(target: &ActorAddress, letter: &DeadLetter<M>) -> bool {
    let is_actor = || matches!(target, ActorAddress::Id(id) if letter.actor == Some(*id));
    *target == letter.address || is_actor()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::ActorId;
    use crate::dead_letters::store::support::{Note, letter};

    fn letter_of(reason: DeadLetterReason, address: &ActorAddress) -> DeadLetter<Note> {
        DeadLetter { reason, address: address.clone(), ..letter(Note(1)) }
    }

    #[test]
    fn without_conditions_it_is_all_of_them() {
        let letter = letter(Note(1));
        assert!(DeadLetterFilter::all().matches(&letter));
        assert!(DeadLetterFilter::default().limit(0).matches(&letter), "the limit is not about one of them");
        assert_eq!(DeadLetterFilter::all().at_most(), usize::MAX);
        assert_eq!(DeadLetterFilter::all().limit(3).limit(2).at_most(), 2);
    }

    #[test]
    fn one_condition_of_each_kind_has_to_hold() {
        let (desk, till) = (ActorAddress::named("desk").unwrap(), ActorAddress::named("till").unwrap());
        let evicted = letter_of(DeadLetterReason::Evicted, &desk);
        let expired = letter_of(DeadLetterReason::Expired, &till);
        let of_reason = |reason| DeadLetterFilter::all().reason(reason);
        let matches = |filter: &DeadLetterFilter| [filter.matches(&evicted), filter.matches(&expired)];

        assert_eq!(matches(&of_reason(DeadLetterReason::Evicted)), [true, false]);
        assert_eq!(matches(&DeadLetterFilter::all().target(&till)), [false, true]);
        assert_eq!(matches(&DeadLetterFilter::all().message(evicted.id())), [true, false]);
        // Of another kind: both.
        assert_eq!(matches(&of_reason(DeadLetterReason::Evicted).target(&till)), [false, false]);
        assert_eq!(matches(&of_reason(DeadLetterReason::Evicted).message(expired.id())), [false, false]);
        // Of the same kind: either.
        let either = of_reason(DeadLetterReason::Evicted).reason(DeadLetterReason::Expired);
        assert_eq!(matches(&either), [true, true]);
        assert_eq!(matches(&either.target(&desk)), [true, false]);
        assert_eq!(matches(&DeadLetterFilter::all().target(&desk).target(&till)), [true, true]);
        assert_eq!(matches(&DeadLetterFilter::all().message(expired.id()).message(evicted.id())), [true, true]);
    }

    #[test]
    fn an_id_stands_for_its_actor_by_whatever_name() {
        let pool = ActorAddress::pool("workers").unwrap();
        let letter = letter_of(DeadLetterReason::Expired, &pool);
        let actor = letter.actor.unwrap();
        assert!(DeadLetterFilter::all().target(&actor.into()).matches(&letter));
        assert!(DeadLetterFilter::all().target(&pool).matches(&letter));
        assert!(!DeadLetterFilter::all().target(&ActorId::next().into()).matches(&letter));
    }
}
