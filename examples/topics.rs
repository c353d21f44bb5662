//! A weather service. Stations publish on subjects, and whoever wants to know subscribes with a pattern: a log that gets
//! all, an alarm for storms anywhere, two printers that share the work, and a display that is too slow to keep up.
//!
//!     cargo run --example topics

use std::sync::Arc;

use switchboard::address::{Name, NameError};
use switchboard::topics::{Interest, Subject, Subscription};
use switchboard::{
    BackpressureStrategy, InMemoryMessageBroker, MailboxOptions, Message, MessageBroker, MessageEnvelope, address,
    pattern, subject,
};

/// Each subscriber gets a clone. With the text in an `Arc`, they all read the same.
#[derive(Clone, Debug)]
struct Report {
    number: u32,
    text: Arc<str>,
}

impl Message for Report {
    const MESSAGE_TYPE: &'static str = "weather.report";
}

type Broker = InMemoryMessageBroker<Report>;
type Reports = Subscription<Report, Broker>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let broker = Broker::new();

    // An actor gets what it has subscribed to in its own mailbox.
    let alarm = address!("named:alarm");
    let alarm_actor = broker.spawn(&alarm, sound_alarm).await?;
    let storms = broker.subscribe_actor(pattern!("weather.*.storm"), &alarm).await?;

    // The others receive by hand, each from a mailbox of its own.
    let mut log = broker.subscribe(pattern!("weather.>"), MailboxOptions::bounded(64)).await?;
    let latest = MailboxOptions::bounded(2).strategy(BackpressureStrategy::DropOldest);
    let mut display = broker.subscribe(pattern!("weather.oslo.*"), latest).await?;
    let mut printers = [
        broker.subscribe(printing()?, MailboxOptions::bounded(64)).await?,
        broker.subscribe(printing()?, MailboxOptions::bounded(64)).await?,
    ];

    println!("Published:");
    let reports = [
        (subject!("weather.oslo.rain"), "rain"),
        (subject!("weather.oslo.storm"), "a storm"),
        (subject!("weather.rome.sun"), "sun"),
        (subject!("weather.oslo.snow"), "snow"),
        (subject!("weather.oslo.sun"), "sun at last"),
        (subject!("sports.oslo.ski"), "a new record"),
    ];
    for (number, (subject, text)) in (1..).zip(reports) {
        publish(&broker, &subject, Report { number, text: text.into() }).await;
    }

    println!("Received:");
    alarm_actor.drain().await;
    show("log     weather.>", &mut log);
    show("display weather.oslo.*", &mut display);
    for printer in &mut printers {
        show("printer weather.>", printer);
    }

    println!("The display's subscription ends when it is dropped:");
    drop(display);
    publish(&broker, &subject!("weather.oslo.fog"), Report { number: 7, text: "fog".into() }).await;
    drop((storms, log, printers));
    publish(&broker, &subject!("weather.oslo.fog"), Report { number: 8, text: "more fog".into() }).await;
    println!("Audit: {}", broker.audit());
    Ok(())
}

/// What one of the printers wants: its share of everything.
fn printing() -> Result<Interest, NameError> {
    Ok(pattern!("weather.>").in_group(Name::new("printers")?))
}

async fn sound_alarm(envelope: MessageEnvelope<Report>) -> Result<(), String> {
    let Report { number, text } = envelope.into_message();
    println!("  alarm   weather.*.storm: {number} {text}");
    Ok(())
}

async fn publish(broker: &Broker, subject: &Subject, report: Report) {
    let number = report.number;
    let published = broker.publish(subject, report).await;
    match published.returned {
        Some(_) => println!("  {number} on {subject}: nobody has subscribed"),
        None => println!("  {number} on {subject}: to {}", published.delivered),
    }
}

fn show(who: &str, reports: &mut Reports) {
    let mut texts = Vec::new();
    while let Some(delivery) = reports.try_recv() {
        let Report { number, text } = delivery.message();
        texts.push(format!("{number} {text}"));
    }
    println!("  {who}: {}; lost: {}", texts.join(", "), reports.lost());
}
