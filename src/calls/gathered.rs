use crate::address::ActorId;
use crate::broker::AskError;

/// What the members of a group had to say by the deadline. Each member that was asked is in exactly one of the three.
#[derive(Debug)]
#[non_exhaustive]
pub struct Gathered<M, A> {
    /// Who answered, and what, in the order in which the answers came.
    pub replies: Vec<(ActorId, A)>,
    /// Who can't answer any more, and why: it failed, stopped, did not take the request or answered in another kind.
    pub failures: Vec<(ActorId, AskError<M>)>,
    /// Whose time was up: it was still at work, or never began. One that had not begun never will.
    pub unanswered: Vec<ActorId>,
}

impl<M, A> Gathered<M, A> {
    pub(super) fn new() -> Self {
        Self { replies: Vec::new(), failures: Vec::new(), unanswered: Vec::new() }
    }

    pub(super) fn add(&mut self, member: ActorId, answer: Result<A, AskError<M>>) {
        match answer {
            Ok(reply) => self.replies.push((member, reply)),
            Err(error) if error.is_timeout() => self.unanswered.push(member),
            Err(error) => self.failures.push((member, error)),
        }
    }

    /// Whether each member that was asked has answered.
    pub fn is_complete(&self) -> bool {
        self.failures.is_empty() && self.unanswered.is_empty()
    }

    /// How many members were asked.
    pub fn asked(&self) -> usize {
        self.replies.len() + self.failures.len() + self.unanswered.len()
    }

    /// The answers alone, in the order in which they came.
    pub fn into_replies(self) -> impl Iterator<Item = A> {
        self.replies.into_iter().map(|(_, reply)| reply)
    }
}
