use serde::{Deserialize, Serialize};
use switchboard::address::ActorAddress;
use switchboard::message::{Message, Request};

use crate::loads::Load;

/// The one message of a soak: whose it is, which one, and what its handler is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    pub(crate) load: Load,
    /// Which of its load's messages it is; of an answer, which it answers.
    pub(crate) number: u64,
    /// The message whose caller is to be answered: another one where a request was passed on.
    pub(crate) asked: u64,
    pub(crate) course: Course,
    /// Its place among those that are to be handled one after the other.
    pub(crate) step: Option<Step>,
    pub(crate) key: Option<String>,
    /// When its deadline is, in milliseconds since the soak began.
    pub(crate) due: Option<u64>,
    /// So that messages have sizes, and what holds them too long is seen in memory.
    pub(crate) ballast: Vec<u8>,
}

/// What a handler does with a message.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Course {
    /// Handles it, and answers.
    Well,
    /// As `Well`, after so many milliseconds.
    Slow(u64),
    /// Returns an error the first so many times.
    Fails(u16),
    /// Panics the first so many times.
    Panics(u16),
    /// Rejects it the first so many times that a handler begins with it, those before a dead letter was sent again included.
    Rejects(u16),
    /// Wants it again after so many milliseconds, the first time.
    Again(u64),
    /// Lets go of it without an answer.
    Silent,
    /// Has somebody else answer.
    Forward(ActorAddress),
    /// Answers from a task of its own, after so many milliseconds.
    Later(u64),
    /// Stops its actor.
    Stops,
}

/// The so-manieth of a lane: none before it is handled after it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) lane: u64,
    pub(crate) number: u64,
    /// Whether that holds for all receivers together, of which one at a time has the lane, or for each by itself.
    pub(crate) across: bool,
}

impl Message for Job {
    const MESSAGE_TYPE: &'static str = "soak.job";

    fn routing_key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    fn is_dead_letter_logged(&self) -> bool {
        false
    }
}

impl Job {
    pub(crate) fn new(load: Load, number: u64, course: Course) -> Self {
        Self { load, number, asked: number, course, step: None, key: None, due: None, ballast: Vec::new() }
    }

    /// What is answered to whoever asked this.
    pub(crate) fn answer(&self) -> Self {
        Self::new(self.load, self.asked, Course::Well)
    }

    /// Whether this is the answer to that message.
    pub(crate) fn answers(&self, load: Load, number: u64) -> bool {
        self.load == load && self.number == number
    }
}

/// A job as a typed request.
#[derive(Clone, Debug)]
pub(crate) struct Question(pub(crate) Job);

impl From<Question> for Job {
    fn from(question: Question) -> Self {
        question.0
    }
}

/// What answers it.
#[derive(Clone, Debug)]
pub(crate) struct Answer(pub(crate) Job);

impl TryFrom<Job> for Answer {
    type Error = Job;

    fn try_from(job: Job) -> Result<Self, Job> {
        Ok(Self(job))
    }
}

impl Request<Job> for Question {
    type Reply = Answer;
}
