use tokio::time::Instant;
use tracing::Level;
use tracing::field::debug;

use crate::actor::catch_panic_now;
use crate::dead_letters::DeadLetter;
use crate::dead_letters::throttle::{Admit, LogThrottle};
use crate::message::Message;
use crate::outside::Outside;
use crate::sync::Mutex;

/// Writes what becomes a dead letter to the log, though not all of a flood, and never the message itself.
pub(super) struct LetterLog {
    /// `None` if nothing is ever to be logged.
    throttle: Option<Mutex<LogThrottle>>,
}

impl LetterLog {
    pub(super) fn new(per_second: u32) -> Self {
        Self { throttle: (per_second > 0).then(|| Mutex::new(LogThrottle::new(per_second))) }
    }

    pub(super) fn write<M: Message>(&self, letter: &DeadLetter<M>) {
        let Some(throttle) = &self.throttle else { return };
        // What nobody listens to takes no lock, and uses up nothing of what may be logged.
        if !tracing::enabled!(Level::WARN) || !is_logged(letter) {
            return;
        }
        let admit = throttle.lock().admit(Instant::now());
        if let Admit::Log { suppressed } = admit {
            let cause = letter.cause.as_deref().map(Outside::cause).map(debug);
            tracing::warn!(
                message_id = %letter.id(),
                message_type = M::MESSAGE_TYPE,
                address = %letter.address,
                reason = ?letter.reason,
                attempts = letter.attempts,
                cause,
                suppressed,
                "dead letter"
            );
        }
    }
}

/// What the message says, which is the user's code and may panic.
fn is_logged<M: Message>(letter: &DeadLetter<M>) -> bool {
    catch_panic_now(|| letter.envelope.message().is_dead_letter_logged()).unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    use super::*;
    use crate::dead_letters::store::support::{Note, letter};
    use crate::dead_letters::{DeadLetterOptions, DeadLetterReason, LetterStore};

    /// Keeps what is logged as one text a line.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<String>>>);

    impl Lines {
        fn take(&self) -> Vec<String> {
            std::mem::take(&mut self.0.lock().unwrap())
        }
    }

    impl Subscriber for Lines {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn event(&self, event: &Event<'_>) {
            let mut line = Line(event.metadata().level().to_string());
            event.record(&mut line);
            self.0.lock().unwrap().push(line.0);
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    struct Line(String);

    impl Visit for Line {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            self.0 += &format!(" {field}={value:?}");
        }
    }

    fn store<M>(per_second: u32) -> LetterStore<M> {
        LetterStore::new(DeadLetterOptions::new().log_per_second(per_second))
    }

    #[test]
    fn a_line_names_the_message_and_does_not_show_it() {
        let (lines, store) = (Lines::default(), store(1));
        let mut letter = letter(Note(123_456));
        (letter.reason, letter.attempts, letter.cause) = (DeadLetterReason::Failed, 3, Some("no ink".into()));
        let (id, address) = (letter.id(), letter.address.clone());
        tracing::subscriber::with_default(lines.clone(), || store.keep(letter));
        let expected = format!(
            "WARN message=dead letter message_id={id} message_type=\"note\" address={address} reason=Failed attempts=3 \
             cause=\"no ink\" suppressed=0"
        );
        assert_eq!(lines.take(), [expected]);
    }

    #[test]
    fn a_cause_that_comes_from_outside_forges_no_line_and_no_field_and_is_cut() {
        let (lines, store) = (Lines::default(), store(2));
        let write = |cause: String| {
            let letter = DeadLetter { cause: Some(cause), ..letter(Note(1)) };
            tracing::subscriber::with_default(lines.clone(), || store.keep(letter));
            lines.take().remove(0)
        };
        let line = write("no\nWARN \u{1b}[2Jink\" suppressed=9 \u{202e}".into());
        assert!(line.ends_with(r#" cause="no\nWARN \u{1b}[2Jink\" suppressed=9 \u{202e}" suppressed=0"#), "{line}");
        assert!(write("a".repeat(1_000_000)).len() < 1_000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_a_few_lines_and_the_next_says_how_many_are_missing() {
        let (lines, store) = (Lines::default(), store(2));
        let _listening = tracing::subscriber::set_default(lines.clone());
        let suppressed = |line: &String| line.split_once("suppressed=").unwrap().1.to_owned();
        (0..1000).for_each(|number| store.keep(letter(Note(number))));
        assert_eq!(lines.take().iter().map(suppressed).collect::<Vec<_>>(), ["0", "0"]);
        tokio::time::advance(Duration::from_secs(1)).await;
        (0..3).for_each(|number| store.keep(letter(Note(number))));
        assert_eq!(lines.take().iter().map(suppressed).collect::<Vec<_>>(), ["998", "0"]);
    }

    #[derive(Debug)]
    struct Tick {
        logged: bool,
    }

    impl Message for Tick {
        const MESSAGE_TYPE: &'static str = "tick";

        fn is_dead_letter_logged(&self) -> bool {
            self.logged
        }
    }

    #[test]
    fn what_is_not_to_be_logged_is_not_and_takes_nobodys_place() {
        let (lines, muted, store) = (Lines::default(), store(0), store(1));
        tracing::subscriber::with_default(lines.clone(), || {
            muted.keep(letter(Tick { logged: true }));
            (0..5).for_each(|_| store.keep(letter(Tick { logged: false })));
            assert!(lines.take().is_empty());
            store.keep(letter(Tick { logged: true }));
        });
        let logged = lines.take();
        assert!(matches!(&logged[..], [line] if line.ends_with("suppressed=0")), "{logged:?}");
        assert_eq!((muted.counts(), store.counts()), ((1, 0), (6, 0)));
    }
}
