//! Which subjects a pattern matches, and whom what is published reaches.

use futures_util::FutureExt;
use switchboard::topics::{Subject, SubjectPattern, Subscription};
use switchboard::{InMemoryMessageBroker, MailboxOptions, Message, MessageBroker};

/// Lines that are looked at.
const LINES: usize = 12;

#[derive(Clone, Debug)]
struct Note;

impl Message for Note {
    const MESSAGE_TYPE: &'static str = "note";
}

type Broker = InMemoryMessageBroker<Note>;

/// Each line is a pattern, and a subject as well if it has no wildcards. Each pattern matches those subjects that it
/// should, alone and cut in two anywhere, and so does the table of all who have subscribed.
pub fn check(text: &str) {
    let lines = || text.lines().take(LINES);
    let patterns: Vec<_> = lines().filter_map(|line| SubjectPattern::new(line).ok()).collect();
    let subjects: Vec<_> = lines().filter_map(|line| Subject::new(line).ok()).collect();
    for subject in &subjects {
        patterns.iter().for_each(|pattern| check_pair(pattern, subject));
    }
    check_table(&patterns, &subjects);
}

fn check_pair(pattern: &SubjectPattern, subject: &Subject) {
    let (wanted, tokens): (Vec<_>, Vec<_>) = (pattern.tokens().collect(), subject.tokens().collect());
    let matches = pattern.matches(subject);
    assert_eq!(matches, should_match(&wanted, &tokens), "{pattern} and {subject}");
    for at in 1..tokens.len() {
        let (before, after) = tokens.split_at(at);
        let cut = match wanted.split_at_checked(at) {
            Some((first, rest)) if !rest.is_empty() => matches_joined(first, before) && matches_joined(rest, after),
            // So much of the subject is left that only a rest can stand for it.
            _ => wanted.ends_with(&[">"]) && matches_joined(&wanted, before),
        };
        assert_eq!(matches, cut, "{pattern} and {subject}, cut at {at}");
    }
}

/// The rule, as plainly as it can be written.
fn should_match(pattern: &[&str], subject: &[&str]) -> bool {
    match (pattern, subject) {
        ([], []) | ([">"], [_, ..]) => true,
        (["*", pattern @ ..], [_, subject @ ..]) => should_match(pattern, subject),
        ([wanted, pattern @ ..], [token, subject @ ..]) => wanted == token && should_match(pattern, subject),
        _ => false,
    }
}

fn matches_joined(pattern: &[&str], subject: &[&str]) -> bool {
    let pattern = SubjectPattern::new(pattern.join(".")).expect("a part of a pattern is one");
    pattern.matches(&Subject::new(subject.join(".")).expect("a part of a subject is one"))
}

fn check_table(patterns: &[SubjectPattern], subjects: &[Subject]) {
    let broker = Broker::new();
    let mut there: Vec<_> = patterns.iter().map(|pattern| subscribe(&broker, pattern)).collect();
    loop {
        subjects.iter().for_each(|subject| check_reach(&broker, &there, subject));
        assert_eq!(broker.metrics().publishing.subscriptions, there.len());
        if there.is_empty() {
            break;
        }
        // From the midst, so that they leave in another order than they came in.
        there.remove(there.len() / 2);
    }
}

fn check_reach(broker: &Broker, there: &[Subscription<Note, Broker>], subject: &Subject) {
    let before: Vec<_> = there.iter().map(Subscription::depth).collect();
    let published = broker.publish(subject, Note).now_or_never().expect("publishing waits for nobody");
    for (subscription, before) in there.iter().zip(before) {
        let reached = usize::from(subscription.pattern().matches(subject));
        assert_eq!(subscription.depth(), before + reached, "{} of {subject}", subscription.pattern());
    }
    let expected = there.iter().filter(|subscription| subscription.pattern().matches(subject)).count();
    assert_eq!((published.delivered, published.returned.is_some()), (expected, expected == 0));
}

fn subscribe(broker: &Broker, pattern: &SubjectPattern) -> Subscription<Note, Broker> {
    let subscribing = broker.subscribe(pattern, MailboxOptions::unbounded()).now_or_never();
    subscribing.expect("subscribing waits for nobody").expect("the mailbox has room")
}
