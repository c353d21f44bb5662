use crate::mailbox::MailboxOptions;

/// What happens to an actor whose handler panicked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnPanic {
    /// The actor stops. What waits in its mailbox becomes dead letters.
    #[default]
    Stop,
    /// The factory builds a new handler, which goes on with the same mailbox. The actor stops if the factory has none
    /// left or the new handler fails to start.
    Rebuild,
}

/// How an actor is spawned.
///
/// ```
/// use switchboard::actor::{OnPanic, SpawnOptions};
/// use switchboard::mailbox::MailboxOptions;
///
/// let options = SpawnOptions::new().mailbox(MailboxOptions::bounded(16)).on_panic(OnPanic::Rebuild);
/// # let _ = options;
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct SpawnOptions {
    mailbox: Option<MailboxOptions>,
    on_panic: OnPanic,
}

impl SpawnOptions {
    /// The broker's default mailbox, and an actor that stops when its handler panics.
    pub const fn new() -> Self {
        Self { mailbox: None, on_panic: OnPanic::Stop }
    }

    /// Sets the mailbox, in place of the broker's default.
    pub const fn mailbox(mut self, mailbox: MailboxOptions) -> Self {
        self.mailbox = Some(mailbox);
        self
    }

    /// Sets what happens when the handler panics.
    pub const fn on_panic(mut self, on_panic: OnPanic) -> Self {
        self.on_panic = on_panic;
        self
    }

    /// The mailbox that was asked for.
    pub const fn mailbox_options(&self) -> Option<MailboxOptions> {
        self.mailbox
    }

    /// What happens when the handler panics.
    pub const fn panic_policy(&self) -> OnPanic {
        self.on_panic
    }
}
