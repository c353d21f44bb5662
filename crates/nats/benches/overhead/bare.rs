//! What a program would write with the client alone.

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

pub(crate) fn written(parcel: &Parcel) -> Bytes {
    postcard::to_allocvec(parcel).expect("it can be written").into()
}

pub(crate) fn read(payload: &[u8]) -> Parcel {
    postcard::from_bytes(payload).expect("it can be read")
}
