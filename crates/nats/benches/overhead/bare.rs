//! What a program would write with the client alone.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_nats::jetstream::consumer::{Consumer, pull};
use async_nats::jetstream::stream::{self, RetentionPolicy};
use async_nats::jetstream::{self, Context};
use async_nats::{Client, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt;

use crate::parcel::Parcel;

/// A client of its own connection.
pub(crate) async fn connect(url: &str) -> Client {
    async_nats::connect(url).await.expect("the server is there")
}

/// Publishes a parcel `count` times, and waits until all have been received.
pub(crate) async fn publish(client: &Client, received: &mut Subscriber, parcel: &Parcel, count: usize) -> usize {
    let sending = async {
        for _ in 0..count {
            client.publish("bare.topic", written(parcel)).await.expect("the client is connected");
        }
    };
    let receiving = async {
        for _ in 0..count {
            let message = received.next().await.expect("it is subscribed");
            read(&message.payload);
        }
    };
    tokio::join!(sending, receiving);
    count
}

/// Answers requests with what they bring, for as long as the subscription lasts.
pub(crate) async fn serve(client: Client, mut requests: Subscriber) {
    while let Some(request) = requests.next().await {
        let answer = written(&read(&request.payload));
        let reply = request.reply.expect("somebody waits");
        client.publish(reply, answer).await.expect("the client is connected");
    }
}

/// Asks once.
pub(crate) async fn request(client: &Client, parcel: &Parcel) {
    let answer = client.request("bare.service", written(parcel)).await.expect("it is answered");
    read(&answer.payload);
}

/// A work queue: a stream, and those who work it off.
pub(crate) struct Queue {
    context: Context,
    consumer: Consumer<pull::Config>,
}

impl Queue {
    pub(crate) async fn open(url: &str) -> Self {
        let context = jetstream::new(connect(url).await);
        let (name, subjects) = ("bare".to_owned(), vec!["bare.work".to_owned()]);
        let config = stream::Config { name, subjects, retention: RetentionPolicy::WorkQueue, ..Default::default() };
        let stream = context.get_or_create_stream(config).await.expect("there is JetStream");
        let durable_name = Some("workers".to_owned());
        let config = pull::Config { durable_name, max_ack_pending: -1, ..Default::default() };
        let consumer = stream.get_or_create_consumer("workers", config).await.expect("there is JetStream");
        Self { context, consumer }
    }

    /// Has the server store a parcel, and waits for its word.
    pub(crate) async fn store(&self, parcel: &Parcel) {
        let stored = self.context.publish("bare.work", written(parcel)).await.expect("the client is connected");
        stored.await.expect("it is stored");
    }

    /// So many fetch one after the other each, and acknowledge it, until all of them are done.
    pub(crate) async fn work_off(&self, count: usize, workers: usize) {
        let left = AtomicUsize::new(count);
        let work = async || {
            while left.load(Ordering::Relaxed) > 0 {
                let batch = self.consumer.fetch().max_messages(1).messages().await;
                let mut batch = batch.expect("the client is connected");
                while let Some(message) = batch.next().await {
                    let message = message.expect("it is a message");
                    read(&message.payload);
                    message.ack().await.expect("the client is connected");
                    left.fetch_sub(1, Ordering::Relaxed);
                }
            }
        };
        futures_util::future::join_all((0..workers).map(|_| work())).await;
    }
}

pub(crate) fn written(parcel: &Parcel) -> Bytes {
    postcard::to_allocvec(parcel).expect("it can be written").into()
}

pub(crate) fn read(payload: &[u8]) -> Parcel {
    postcard::from_bytes(payload).expect("it can be read")
}
