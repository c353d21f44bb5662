//! A counter behind a name: spawn it, send to it, ask it. The README's first program.
//!
//!     cargo run --example quickstart

use switchboard::{Context, InMemoryMessageBroker, Message, MessageBroker, MessageEnvelope, MessageHandler, address};

#[derive(Debug)]
enum Counter {
    Add(u64),
    GetTotal,
    Total(u64),
}
impl Message for Counter {
    const MESSAGE_TYPE: &'static str = "counter";
}

struct Counting(u64);
impl MessageHandler<Counter> for Counting {
    type Error = switchboard::broker::ReplyError<Counter>;
    async fn handle<B: MessageBroker<Counter>>(
        &mut self,
        envelope: MessageEnvelope<Counter>,
        context: &Context<Counter, B>,
    ) -> Result<(), Self::Error> {
        match envelope.into_message() {
            Counter::Add(number) => self.0 += number,
            _ => context.reply(Counter::Total(self.0)).await?,
        }
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let broker = InMemoryMessageBroker::new();
    let counter = address!("named:counter");
    broker.spawn(&counter, Counting(0)).await?;
    broker.send(&counter, Counter::Add(42)).await?;
    if let Counter::Total(total) = broker.request(&counter, Counter::GetTotal).await? {
        println!("the total is {total}");
    }
    Ok(())
}
