//! A printer that runs out of paper. What can't be printed is tried again, then it is a dead letter; and when there is
//! paper again, the dead letters are sent again.
//!
//!     cargo run --example retry_and_redrive

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use switchboard::dead_letters::{DeadLetterFilter, DeadLetterReason, DeadLetters};
use switchboard::retry::Backoff;
use switchboard::{
    Context, InMemoryMessageBroker, Message, MessageBroker, MessageEnvelope, MessageHandler, RetryPolicy, address,
};
use thiserror::Error;

/// Three attempts, 100 and 200 ms apart. Where many senders fail together, leave the jitter in, so that they don't come
/// back together; without it, this program says the same each time.
const RETRY: RetryPolicy =
    RetryPolicy::attempts(3).backoff(Backoff::exponential(Duration::from_millis(100)).without_jitter());

/// What is handled again has to be cloned before it is moved into the handler.
#[derive(Clone, Debug)]
struct Invoice {
    number: u32,
    cents: Option<u32>,
}

impl Message for Invoice {
    const MESSAGE_TYPE: &'static str = "invoice";
}

#[derive(Debug, Error)]
enum PrintError {
    #[error("no paper for invoice {0}")]
    NoPaper(u32),
    #[error("invoice {0} has no amount")]
    NoAmount(u32),
}

struct Printer {
    sheets: Arc<AtomicU32>,
}

impl Printer {
    fn take_sheet(&self) -> bool {
        let one_less = |sheets: u32| sheets.checked_sub(1);
        self.sheets.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok()
    }
}

impl MessageHandler<Invoice> for Printer {
    type Error = PrintError;

    async fn handle<B: MessageBroker<Invoice>>(
        &mut self,
        envelope: MessageEnvelope<Invoice>,
        context: &Context<Invoice, B>,
    ) -> Result<(), PrintError> {
        let attempt = envelope.attempt();
        let Invoice { number, cents } = envelope.into_message();
        let Some(cents) = cents else {
            println!("  invoice {number}, attempt {attempt}: no amount, rejected");
            // It will have none the next time, either.
            return Err(context.reject(PrintError::NoAmount(number)));
        };
        if !self.take_sheet() {
            println!("  invoice {number}, attempt {attempt}: no paper, {}", what_follows(attempt));
            return Err(PrintError::NoPaper(number));
        }
        println!("  invoice {number}, attempt {attempt}: printed, {}.{:02}", cents / 100, cents % 100);
        Ok(())
    }
}

fn what_follows(attempt: u32) -> String {
    if Some(attempt) == RETRY.max_attempts() {
        return "given up".into();
    }
    format!("again in {} ms", RETRY.backoff_policy().ceiling(attempt).as_millis())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let broker = InMemoryMessageBroker::new();
    let printer = address!("named:printer");
    let sheets = Arc::new(AtomicU32::new(1));
    let actor = broker.spawn(&printer, Printer { sheets: Arc::clone(&sheets) }).await?;
    broker.set_retry(&printer, RETRY)?;
    let letters = broker.dead_letters();
    let mut coming = letters.follow(8);

    println!("Four invoices and one sheet of paper:");
    for (number, cents) in [(1, Some(1990)), (2, Some(450)), (3, None), (4, Some(12000))] {
        broker.send(&printer, MessageEnvelope::new(Invoice { number, cents }).at_least_once()).await?;
    }
    for _ in 0..3 {
        coming.next().await;
    }
    println!("Dead letters:");
    list(&letters);

    println!("More paper; what failed is sent again:");
    sheets.store(500, Ordering::Relaxed);
    let redriven = letters.redrive(&DeadLetterFilter::all().reason(DeadLetterReason::Failed));
    actor.drain().await;
    println!("Redriven: {redriven}. Dead letters:");
    list(&letters);
    println!("Audit: {}", broker.audit());
    Ok(())
}

fn list(letters: &DeadLetters<Invoice>) {
    for letter in letters.list(&DeadLetterFilter::all()) {
        let cause = letter.cause.unwrap_or_default();
        println!("  {}, attempts: {}, {}: {cause}", letter.address, letter.attempts, letter.reason);
    }
}
