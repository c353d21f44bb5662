use std::time::Duration;

use async_nats::jetstream::{self, kv};
use tokio::time::{Instant, timeout_at};

use crate::ConnectError;
use crate::connection::PAUSE;

/// The bucket of this name, made if there is none. Asks until the deadline, since a cluster may be electing a leader.
///
/// One that is there stays as it is: whoever runs the cluster may have given it more replicas. But what is kept in it for
/// another time than all others think would be taken from its owner too early or too late.
///
/// # Errors
///
/// If it can't be had, or keeps its entries for another time.
pub(crate) async fn open(
    server: &jetstream::Context,
    name: String,
    max_age: Duration,
    replicas: usize,
    deadline: Instant,
) -> Result<kv::Store, ConnectError> {
    let config = kv::Config { bucket: name, max_age, num_replicas: replicas, ..Default::default() };
    loop {
        // The client's own limit for one question may be later.
        match timeout_at(deadline, find_or_make(server, &config)).await {
            Ok(Ok(bucket)) => return kept_for(bucket, max_age),
            Ok(Err(_)) if Instant::now() + PAUSE < deadline => tokio::time::sleep(PAUSE).await,
            Ok(Err(error)) => return Err(ConnectError::Server(error)),
            Err(_) => return Err(ConnectError::Server(format!("no answer about the bucket `{}`", config.bucket))),
        }
    }
}

async fn find_or_make(server: &jetstream::Context, config: &kv::Config) -> Result<kv::Store, String> {
    match server.get_key_value(&config.bucket).await {
        Ok(bucket) => Ok(bucket),
        // Somebody else may make it at the same time; then it is found in the next round.
        Err(_) => server.create_key_value(config.clone()).await.map_err(|error| error.to_string()),
    }
}

fn kept_for(bucket: kv::Store, wanted: Duration) -> Result<kv::Store, ConnectError> {
    let found = bucket.stream.cached_info().config.max_age;
    if found == wanted { Ok(bucket) } else { Err(ConnectError::OtherLease { found, wanted, bucket: bucket.name }) }
}
