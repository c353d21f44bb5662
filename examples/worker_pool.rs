//! A print shop. Customers come all at once, the pool of printers grows while their jobs wait, and when the queue is gone it
//! shrinks again. A line is drawn at each look of the pool: `#` is a printer, `.` are five jobs that wait.
//!
//!     cargo run --example worker_pool

use std::time::Duration;

use switchboard::pools::{DepthSizing, Looks, PoolOptions, PoolStatus, WorkerPool};
use switchboard::{
    ActorAddress, InMemoryMessageBroker, MailboxOptions, Message, MessageBroker, MessageEnvelope, SpawnOptions,
};
use tokio::task::JoinHandle;

#[derive(Debug)]
struct Job {
    pages: u32,
}

impl Message for Job {
    const MESSAGE_TYPE: &'static str = "print.job";
}

type Broker = InMemoryMessageBroker<Job>;

const CUSTOMERS: usize = 100;
const JOBS_EACH: usize = 4;
const PRINTERS: (usize, usize) = (2, 12);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let broker = Broker::new();
    let printers = ActorAddress::pool("printers")?;

    // Small mailboxes: a job that waits outside goes to whichever printer has room first.
    let mailbox = SpawnOptions::new().mailbox(MailboxOptions::bounded(4));
    let options = PoolOptions::between(PRINTERS.0, PRINTERS.1)
        .sizing(DepthSizing::new().high_mark(8).low_mark(2).patience(3))
        .look_every(Duration::from_millis(100))
        .workers(mailbox);
    let pool = WorkerPool::spawn(&broker, &printers, options, || print).await?;
    let looks = pool.looks();

    println!("{CUSTOMERS} customers with {JOBS_EACH} jobs each:");
    let customers: Vec<_> = (0..CUSTOMERS).map(|_| customer(&broker, &printers)).collect();
    let most = draw_until_quiet(looks).await;
    for customer in customers {
        customer.await?;
    }
    println!("There were up to {most} printers; {} are left.", pool.size());

    // Or by hand.
    println!("Resized by hand: {} printers.", pool.resize(5).await?);
    pool.drain().await;
    println!("Audit: {}", broker.audit());
    Ok(())
}

async fn print(job: MessageEnvelope<Job>) -> Result<(), String> {
    tokio::time::sleep(Duration::from_millis(5) * job.message().pages).await;
    Ok(())
}

/// Brings one job after the other, and waits for room where a printer has none.
fn customer(broker: &Broker, printers: &ActorAddress) -> JoinHandle<()> {
    let (broker, printers) = (broker.clone(), printers.clone());
    tokio::spawn(async move {
        for _ in 0..JOBS_EACH {
            if let Err(error) = broker.send(&printers, Job { pages: 6 }).await {
                eprintln!("no printer: {error}");
            }
        }
    })
}

/// Draws a line for each look, until nothing waits and the pool is as small as before. Gives the most printers seen.
async fn draw_until_quiet(mut looks: Looks) -> usize {
    let mut most = 0;
    while let Some(status) = looks.next().await {
        println!("{}", line(&status));
        most = most.max(status.size);
        if status.depth == 0 && status.size == PRINTERS.0 {
            break;
        }
    }
    most
}

fn line(status: &PoolStatus) -> String {
    let (printers, jobs) = ("#".repeat(status.size), ".".repeat(status.depth.div_ceil(5)));
    format!("{:>4} printers {printers:<12} {:>4} waiting {jobs}", status.size, status.depth).trim_end().into()
}
