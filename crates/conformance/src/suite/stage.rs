use std::time::Duration;

use switchboard::actor::{Inbox, SpawnOptions};
use switchboard::address::ActorAddress;
use switchboard::broker::MessageBroker;
use switchboard::mailbox::MailboxOptions;
use tokio::time::{Instant, sleep, timeout};

use super::{Accounts, Candidate, Clock, Job, Letter, Seen, Staffed, Worker};

/// What one case plays on: a broker of its own, and what it takes to see what becomes of its messages.
pub(crate) struct Stage<'c, C: Candidate> {
    candidate: &'c C,
    broker: C::Broker,
}

impl<'c, C: Candidate> Stage<'c, C> {
    pub(crate) fn new(candidate: &'c C, broker: C::Broker) -> Self {
        Self { candidate, broker }
    }

    pub(crate) fn broker(&self) -> &C::Broker {
        &self.broker
    }

    pub(crate) fn clock(&self) -> Clock {
        self.candidate.clock()
    }

    /// A name that nobody has.
    pub(crate) fn desk(&self) -> Result<ActorAddress, Seen> {
        Ok(ActorAddress::named("conformance.desk")?)
    }

    /// Another.
    pub(crate) fn annex(&self) -> Result<ActorAddress, Seen> {
        Ok(ActorAddress::named("conformance.annex")?)
    }

    /// A pool without members.
    pub(crate) fn pool(&self) -> Result<ActorAddress, Seen> {
        Ok(ActorAddress::pool("conformance.desks")?)
    }

    /// Spawns a worker there, with room for `capacity` messages.
    pub(crate) async fn staff(&self, address: &ActorAddress, capacity: usize) -> Result<Staffed, Seen> {
        self.staff_with(address, SpawnOptions::new().mailbox(MailboxOptions::bounded(capacity)), Worker::new()).await
    }

    /// Spawns this worker there, with these options; each new handler is one like it.
    pub(crate) async fn staff_with(
        &self,
        address: &ActorAddress,
        options: SpawnOptions,
        worker: Worker,
    ) -> Result<Staffed, Seen> {
        let another = worker.clone();
        let actor = self.broker.spawn_with(address, options, move || another.clone()).await?;
        Ok(Staffed { worker, actor })
    }

    /// Spawns a worker there, whose handler is held with message 0 in hand.
    pub(crate) async fn staff_held(&self, address: &ActorAddress, capacity: usize) -> Result<Staffed, Seen> {
        let mailbox = MailboxOptions::bounded(capacity);
        self.staff_held_with(address, SpawnOptions::new().mailbox(mailbox)).await
    }

    /// As [`staff_held`](Self::staff_held), with these options.
    pub(crate) async fn staff_held_with(&self, address: &ActorAddress, options: SpawnOptions) -> Result<Staffed, Seen> {
        let staffed = self.staff_with(address, options, Worker::new()).await?;
        self.broker.send(address, Job::Hold(0)).await?;
        self.until("the worker begins with its first message", || staffed.log().has(0)).await?;
        Ok(staffed)
    }

    /// Registers an inbox there.
    pub(crate) async fn inbox(
        &self,
        address: &ActorAddress,
        mailbox: MailboxOptions,
    ) -> Result<Inbox<Job, C::Broker>, Seen> {
        Ok(self.broker.register(address, mailbox).await?)
    }

    /// Waits until it is so.
    pub(crate) async fn until(&self, what: &str, mut is_so: impl FnMut() -> bool) -> Result<(), Seen> {
        let waiting = async {
            let mut looks = Looks::new();
            while !is_so() {
                looks.pause().await;
            }
        };
        self.soon(what, waiting).await
    }

    /// Waits until so many messages have been logged.
    pub(crate) async fn logged(&self, staffed: &Staffed, messages: usize) -> Result<(), Seen> {
        let waiting = self.until("", || staffed.log().len() >= messages).await;
        waiting.map_err(|_| {
            let numbers = staffed.numbers();
            Seen(format!("of {messages} messages, only {} came: {numbers:?}", numbers.len()))
        })
    }

    /// Waits for what has to end.
    pub(crate) async fn soon<F: Future>(&self, what: &str, future: F) -> Result<F::Output, Seen> {
        let waited = timeout(self.clock().patience(), future).await;
        waited.map_err(|_| Seen(format!("it did not happen that {what}")))
    }

    /// Waits for what has to end at once.
    pub(crate) async fn at_once<F: Future>(&self, what: &str, future: F) -> Result<F::Output, Seen> {
        let start = Instant::now();
        let output = self.soon(what, future).await?;
        let took = start.elapsed();
        if took <= self.clock().at_once() {
            return Ok(output);
        }
        Err(Seen(format!("it took {took:?} until {what}, which is to be so at once")))
    }

    /// Lets a moment go by, in which what should not happen could.
    pub(crate) async fn moment(&self) {
        sleep(self.clock().moment()).await;
    }

    /// Another connection to the broker.
    pub(crate) async fn connect(&self) -> C::Broker {
        self.candidate.connect(&self.broker).await
    }

    /// The same with a broker that was restarted.
    pub(crate) async fn restart(&self) -> Result<Self, Seen> {
        let restarted = self.candidate.restart(&self.broker).await;
        let broker = restarted.ok_or_else(|| Seen("the candidate does not restart its broker".into()))?;
        Ok(Self { candidate: self.candidate, broker })
    }

    pub(crate) async fn accounts(&self) -> Result<Accounts, Seen> {
        let accounts = self.candidate.accounts(&self.broker).await;
        accounts.ok_or_else(|| Seen("the candidate gives no accounts".into()))
    }

    /// The accounts when nothing is under way any more.
    pub(crate) async fn settled_accounts(&self) -> Result<Accounts, Seen> {
        let settling = async {
            let mut looks = Looks::new();
            loop {
                let accounts = self.accounts().await?;
                if accounts.under_way == 0 {
                    return Ok(accounts);
                }
                looks.pause().await;
            }
        };
        self.soon("nothing is under way any more", settling).await?
    }

    pub(crate) async fn letters(&self) -> Result<Vec<Letter>, Seen> {
        let letters = self.candidate.dead_letters(&self.broker).await;
        letters.ok_or_else(|| Seen("the candidate gives no dead letters".into()))
    }

    /// Waits until there are so many dead letters.
    pub(crate) async fn letters_of(&self, letters: usize) -> Result<Vec<Letter>, Seen> {
        let waiting = async {
            let mut looks = Looks::new();
            loop {
                let all = self.letters().await?;
                if all.len() >= letters {
                    return Ok(all);
                }
                looks.pause().await;
            }
        };
        match self.soon("", waiting).await {
            Ok(all) => all,
            Err(_) => Err(Seen(format!("of {letters} dead letters, only these came: {:?}", self.letters().await?))),
        }
    }

    /// Shuts the broker down.
    pub(crate) async fn shut_down(&self, time: Duration) -> Result<(), Seen> {
        self.soon("the broker is shut down", self.candidate.shut_down(&self.broker, time)).await
    }
}

/// The times between two looks at what is waited for: short at first, longer if it takes long.
struct Looks(Duration);

impl Looks {
    const LONGEST: Duration = Duration::from_millis(250);

    fn new() -> Self {
        Self(Duration::from_millis(1))
    }

    async fn pause(&mut self) {
        sleep(self.0).await;
        self.0 = (self.0 * 2).min(Self::LONGEST);
    }
}
