//! A search service in several versions and regions. Engines join it and leave it, a directory is drawn as they do, clients
//! find an engine that suits them, and an engine is upgraded while a client goes on asking.
//!
//!     cargo run --example service_directory

use std::error::Error;

use switchboard::actor::{ActorHandle, SpawnOptions, once};
use switchboard::address::ActorAddress;
use switchboard::broker::{Context, Ran, ReplyError};
use switchboard::services::{MemberOptions, Membership, Provider, ServiceChange, ServiceChanges, Version, VersionReq};
use switchboard::{InMemoryMessageBroker, Message, MessageBroker, MessageEnvelope, MessageHandler, address};

#[derive(Debug)]
enum Search {
    Query(&'static str),
    Found(String),
}

impl Message for Search {
    const MESSAGE_TYPE: &'static str = "search";
}

type Broker = InMemoryMessageBroker<Search>;

/// Answers with what it is.
struct Engine {
    version: Version,
    region: &'static str,
}

impl MessageHandler<Search> for Engine {
    type Error = ReplyError<Search>;

    async fn handle<B: MessageBroker<Search>>(
        &mut self,
        envelope: MessageEnvelope<Search>,
        context: &Context<Search, B>,
    ) -> Result<(), Self::Error> {
        let Search::Query(query) = envelope.into_message() else { return Ok(()) };
        let Self { version, region } = self;
        context.reply(Search::Found(format!("`{query}` found by {version} in {region}"))).await
    }
}

/// An engine that runs, and its membership of the service.
struct Running {
    actor: ActorHandle<Search>,
    membership: Membership<Search>,
}

impl Running {
    /// Starts an engine, which is in the service when it is ready to answer.
    async fn start(
        broker: &Broker,
        name: &str,
        version: Version,
        region: &'static str,
    ) -> Result<Self, Box<dyn Error>> {
        let engine = Engine { version: version.clone(), region };
        let actor = broker.spawn_with(&ActorAddress::named(name)?, SpawnOptions::new(), once(engine)).await?;
        let options = MemberOptions::new().version(version).tag(region);
        let membership = broker.join(&search(), &actor.registration(), options).await?;
        Ok(Self { actor, membership })
    }

    /// Leaves the service first, so that nobody finds it any more, and then answers what it was asked before.
    async fn retire(self) {
        self.membership.leave();
        self.actor.drain().await;
    }
}

/// Draws who provides a service, whenever that has changed.
struct Directory {
    changes: ServiceChanges,
    providers: Vec<Provider>,
}

impl Directory {
    fn draw(&mut self) {
        while let Some(change) = self.changes.try_next() {
            let what = match &change {
                ServiceChange::Joined(provider) => format!("+ {}", text_of(provider)),
                ServiceChange::Left(provider) => format!("- {}", text_of(provider)),
                _ => "now".to_owned(),
            };
            change.apply(&mut self.providers);
            let mut list: Vec<_> = self.providers.iter().map(text_of).collect();
            list.sort_unstable();
            println!("  {what:10} | {}", if list.is_empty() { "nobody".to_owned() } else { list.join(", ") });
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let broker = Broker::new();
    let mut directory = Directory { changes: broker.follow_service(&search(), 64), providers: Vec::new() };

    println!("Engines come:");
    let old = Running::start(&broker, "engine-1", Version::new(1, 1, 4), "eu").await?;
    let other = Running::start(&broker, "engine-2", Version::new(1, 2, 0), "us").await?;
    let current = Running::start(&broker, "engine-3", Version::new(1, 2, 0), "eu").await?;
    directory.draw();

    println!("Clients ask for what suits them:");
    let wanted = VersionReq::parse("^1.2")?;
    for (region, query) in [("eu", "cafés"), ("us", "diners"), ("asia", "teahouses")] {
        match ask(&broker, &wanted, region, query).await {
            Some(answer) => println!("  {answer}"),
            None => println!("  `{query}`: no {wanted} in {region}"),
        }
    }

    println!("The version that nobody asks for goes:");
    old.retire().await;
    directory.draw();

    println!("An upgrade, while a client asks on:");
    let answered = upgrade(&broker, &wanted, current).await?;
    directory.draw();
    println!("  asked {QUERIES} times, answered {answered} times");
    println!("  {}", ask(&broker, &wanted, "eu", "cafés").await.unwrap_or_default());

    println!("The end of an actor is the end of its membership:");
    other.actor.drain().await;
    directory.draw();
    Ok(())
}

/// How often the client asks that asks on.
const QUERIES: u32 = 1_000;

/// Replaces an engine by a newer one. Gives how often a client that asks meanwhile was answered.
async fn upgrade(broker: &Broker, wanted: &VersionReq, old: Running) -> Result<u32, Box<dyn Error>> {
    let (client, wanted) = (broker.clone(), wanted.clone());
    let asking = tokio::spawn(async move {
        let mut answers = 0;
        for _ in 0..QUERIES {
            answers += u32::from(ask(&client, &wanted, "eu", "cafés").await.is_some());
        }
        answers
    });
    let new = Running::start(broker, "engine-4", Version::new(1, 3, 0), "eu").await?;
    // Both are there for a while, and then only the new one.
    old.retire().await;
    new.membership.keep();
    Ok(asking.await?)
}

/// Asks an engine of a version and in a region. If the one that was found is gone when it is asked, asks another.
async fn ask(broker: &Broker, wanted: &VersionReq, region: &str, query: &'static str) -> Option<String> {
    let suits = |provider: &Provider| provider.satisfies(wanted) && provider.has_tag(region);
    loop {
        let engine = broker.find_provider(&search(), suits).await?;
        match broker.request(&engine.address(), Search::Query(query)).await {
            Ok(Search::Found(answer)) => return Some(answer),
            Err(error) if error.ran() == Ran::Never => {}
            _ => return None,
        }
    }
}

fn search() -> ActorAddress {
    address!("service:search")
}

fn text_of(provider: &Provider) -> String {
    let version = provider.version().map(ToString::to_string).unwrap_or_default();
    format!("{version} {}", provider.tags().collect::<Vec<_>>().join(" "))
}
