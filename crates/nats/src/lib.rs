//! A [`MessageBroker`](switchboard::broker::MessageBroker) with NATS behind it: a program that is written against the trait
//! moves to many machines by changing the line that makes its broker.
//!
//! ```no_run
//! use serde::{Deserialize, Serialize};
//! use switchboard::address::ActorAddress;
//! use switchboard::broker::MessageBroker;
//! use switchboard::message::Message;
//! use switchboard_nats::NatsMessageBroker;
//!
//! #[derive(Debug, Serialize, Deserialize)]
//! enum Work {
//!     Square(u64),
//!     Squared(u64),
//! }
//!
//! impl Message for Work {
//!     const MESSAGE_TYPE: &'static str = "work";
//! }
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let broker = NatsMessageBroker::connect("nats://127.0.0.1:4222").await?;
//! // The actor of this name may be in any process of the cluster.
//! let answer = broker.request(&ActorAddress::named("clerk")?, Work::Square(12)).await?;
//! println!("{answer:?}");
//! # Ok(())
//! # }
//! ```
//!
//! # What it does
//!
//! Each broker is a node of the cluster that its [namespace](NatsOptions::namespace) is. Its actors run in its own process, in
//! a broker in memory, with all that this offers; what goes from one of them to another never leaves the process.
//!
//! - **Names** have one owner in the cluster. A node keeps its names by a [lease](NatsOptions::lease), and each owner of a
//!   name has a higher epoch than the one before. A node stops acting as an owner before its lease can end at the server,
//!   looks at it before each message, and refuses what was sent with another epoch. So there are never two owners that both
//!   accept messages, as long as the machines' clocks run at about the same speed. What an actor does to the world outside
//!   knows nothing of leases.
//! - **Sending** to a name or an id of another node is done when the message is in its mailbox there. What that does not
//!   take comes back in the error, and a sender waits for room as it would at home.
//! - **Requests** end as they do in memory, wherever the actor is: at once if nobody is there, if the handler fails, panics or
//!   does not reply, if its node is killed. The deadline goes along as the time that is left. A caller who gives up takes
//!   back what has not begun.
//! - **Without a connection** nothing is sent, and nothing kept to be sent later: it is refused as
//!   [`Disconnected`](switchboard::broker::SendErrorKind::Disconnected). What was under way when the connection broke, or
//!   went lost on the way of another node, ends as [`Unconfirmed`](switchboard::broker::SendErrorKind::Unconfirmed): it may
//!   have run.
//!
//! - **Services and pools** have members on any node. Whoever sends to one picks among all of them, by the strategies that there
//!   are in memory; one that is full, set aside or gone is passed over for another, and only if all are full the sender
//!   waits. Who is a member where is known a moment after it changes, and before it is said that a group has none, the server
//!   is asked. How much each has to do is told five times a second, if it has changed: what is picked by load goes by that and by
//!   what was sent from here since. A strategy, as a retry policy, is set on each node for what is sent from there.
//! - **Keys** under [consistent hashing](switchboard::balancing::Strategy::ConsistentHash) are with the same member for all nodes.
//!   A key's order holds across nodes for as long as the members stay. When they change, the one who gets a key may begin
//!   before the one who had it has done with it, if they are on different nodes; between those of one node it may not.
//! - **Topics** are those of the cluster: what is published reaches the subscriptions of all nodes, and one member of each
//!   group of subscribers among all of them.
//! - **Later**: what is scheduled, redriven, or published to the address of an actor reaches other nodes too, and a message
//!   or request that another node refuses is tried again as its retry policy says, if it never ran.
//!
//! # Which guarantee
//!
//! | sent | is done when | costs | lost with |
//! | --- | --- | --- | --- |
//! | as it is, to an actor here | it is in the mailbox | what it does in memory | this process |
//! | as it is, to another node | it is in the mailbox there | a way to the server and on, and back | that process: what it had accepted. The sender knows whether it was |
//! | to a [topic](switchboard::broker::MessageBroker::publish) | it was handed to the connection | half of a way | whatever is on the way. Nobody knows |
//! | [at least once](switchboard::message::MessageEnvelope::at_least_once), [kept](NatsOptions::durable) by the server | the server has it in its stream, on as many [replicas](NatsOptions::replicas) as there are | a write to its disk, and a second way when it is handled | nothing, but with the disks of most replicas; until they have written what they confirmed, also with their power |
//! | at least once, not kept | as it is | as it is, and a clone before it is handled | this process. It is not sent to another |
//!
//! What is kept is handled until a handler returns `Ok`, or [its policy](switchboard::retry::RetryPolicy) gives up, and then is one
//! of the [cluster's dead letters](NatsMessageBroker::cluster_dead_letters), which every node can list, follow, redrive and
//! remove. Messages to one name are handled one after the other, retries included, by whoever owns the name at the time;
//! those to a service or pool are shared by all nodes with members. A message is handled more than once if its node goes
//! before the server has been told, or is cut off for longer than [`ack_wait`](DurableOptions::ack_wait), and if its sender sends
//! it anew as another message because it was told [`Unconfirmed`](switchboard::broker::SendErrorKind::Unconfirmed). A receiver
//! that must not do the work twice asks for
//! [`duplicate_window`](switchboard::actor::SpawnOptions::duplicate_window), which knows what the same process has handled. How
//! often a message has been tried counts anew on another node.
//!
//! ```no_run
//! use switchboard::broker::MessageBroker;
//! use switchboard::message::MessageEnvelope;
//! use switchboard_nats::{DurableOptions, NatsMessageBroker, NatsOptions};
//! # use serde::{Deserialize, Serialize};
//! # #[derive(Clone, Debug, Serialize, Deserialize)]
//! # struct Order(u64);
//! # impl switchboard::message::Message for Order { const MESSAGE_TYPE: &'static str = "order"; }
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let options = NatsOptions::new("nats://127.0.0.1:4222")?.durable(DurableOptions::new()).replicas(3);
//! let broker = NatsMessageBroker::with_options(options).await?;
//! broker.send(&"named:billing".parse()?, MessageEnvelope::new(Order(7)).at_least_once()).await?;
//! if let Some(dead) = broker.cluster_dead_letters() {
//!     for letter in dead.list(0, 100).await? {
//!         println!("{}: {}", letter.number, letter.reason);
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # When something goes
//!
//! | what goes | what callers see |
//! | --- | --- |
//! | an actor | what it would be in memory |
//! | a node, before it has a message | [`NoSuchActor`](switchboard::broker::SendErrorKind::NoSuchActor): it never ran |
//! | a node that has it | in about a second, [`Unconfirmed`](switchboard::broker::SendErrorKind::Unconfirmed) of what was told, [`ActorStopped`](switchboard::broker::RequestErrorKind::ActorStopped) of what was asked: it may have run |
//! | a node that has a message which is kept | nothing: another handles it, after [`ack_wait`](DurableOptions::ack_wait) at the latest, and for a name when its lease has ended |
//! | the server, before a message is sent | [`Disconnected`](switchboard::broker::SendErrorKind::Disconnected): it never ran. Actors here go on, but may not act under their names once the [lease](NatsOptions::lease) has ended |
//! | the server, after it | `Unconfirmed`, `ActorStopped`: it may have run |
//! | the caller | what has not begun is taken back |
//!
//! A name stays with a node that was killed until its lease has ended, and is free at once when a node
//! [leaves](NatsMessageBroker::shutdown).
//!
//! # What an operator sees
//!
//! Each node answers NATS's services API, so `nats micro ls` lists all of them by their namespace, `nats micro info` says where they
//! are heard, and `nats micro stats` has what each has accepted, what was not handled to its end and how long handlers took; its
//! `data` are the node's [metrics](NatsMessageBroker::metrics), [audit](NatsMessageBroker::audit) and
//! [topics](NatsMessageBroker::topic_counts), whether its lease holds, and how many names, groups and actors it has.
//! `OPERATING.md`, beside this crate's manifest, says what to look at.
//!
//! # Programs in other languages
//!
//! `WIRE.md`, beside this crate's manifest, has all that goes over the wire, byte by byte. A program in another language tells
//! and asks by publishing JSON to plain subjects, and serves by listening to such. To a group without a member, or a name
//! that nobody owns, that makes a way to the server and back of what is an error at once in memory.
//!
//! # Order
//!
//! What one sender sends one actor arrives in order, as long as it waits for each message to be accepted, which
//! [`send`](switchboard::broker::MessageBroker::send) does.
//!
//! # What it does not do yet
//!
//! Requests are never kept by the server: who waits for an answer learns that there is none. Nor is what is given to
//! `try_send`, to all members of a group or to a topic: at least once, there, is in the memory of the node that has the
//! actor. `try_send` and watching reach no other node, and a scheduled message for a group goes to members elsewhere only if
//! it has none here. A message to the id of an actor on another node that is to be delivered [at least
//! once](switchboard::message::MessageEnvelope::at_least_once) is refused as
//! [`NotOffered`](switchboard::broker::SendErrorKind::NotOffered), and so is any to another node if nothing is
//! [kept](NatsOptions::durable).

mod among;
mod announcing;
mod begun;
mod broker;
mod buckets;
mod candidates;
mod carrying;
mod connection;
mod credentials;
mod durable;
mod elsewhere;
mod env;
mod error;
mod frame;
mod handler;
#[cfg(test)]
mod hostile;
mod joining;
mod keeping;
mod lease;
mod names;
mod node;
mod node_id;
mod operator;
mod options;
mod outgoing;
mod outside;
mod peers;
mod places;
mod publishing;
mod receiving;
mod roster;
mod sending;
mod sent;
mod spreading;
mod subjects;
mod topics;
mod url;
mod waiting;
pub mod wire;

pub use broker::NatsMessageBroker;
pub use connection::{Connection, ConnectionState};
pub use credentials::Credentials;
pub use durable::{
    ClusterDeadLetter, ClusterDeadLetters, ClusterDeadLettersError, ClusterReason, DurableOptions, FollowedLetters,
};
pub use error::{ConnectError, OptionsError};
pub use node_id::NodeId;
pub use options::NatsOptions;
pub use sent::SentCounts;
pub use topics::TopicCounts;
