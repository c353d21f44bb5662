//! elfo, with its bounded mailbox. Only its actors send, so there are actors that lend their contexts and scopes to the
//! tasks that are measured: each task sends in the name of an actor of its own. Groups get their configurations without
//! elfo's configurer, and messages go to the address of an actor, past the router of its group.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ::elfo::_priv::do_start;
use ::elfo::config::AnyConfig;
use ::elfo::messages::{Terminate, UpdateConfig};
use ::elfo::routers::{MapRouter, Outcome};
use ::elfo::scope::{self, Scope};
use ::elfo::{ActorGroup, Addr, Blueprint, Context, Local, Topology, message, msg};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::scenario::{Ask, Kind, Peer, Tell};
use crate::work::{CAPACITY, Sum, Work};

/// As many as there are tasks that tell at once.
const TELLERS: u32 = 4;
/// As many as there are tasks that ask at once.
const ASKERS: u32 = 1_000;

#[message(elfo = ::elfo)]
struct Told(Local<Work>);

#[message(ret = Local<Work>, elfo = ::elfo)]
struct Asked(Local<Work>);

#[derive(Clone)]
pub struct Teller(Way);

impl Peer for Teller {
    const NAME: &'static str = "elfo";
    const KIND: Kind = Kind::Framework;

    async fn end(self) {
        self.0.end().await;
    }

    fn within<F: Future<Output: Send> + Send>(&self, work: F) -> impl Future<Output = F::Output> + Send {
        self.0.lender().scope().within(work)
    }
}

impl Tell for Teller {
    async fn start(sum: Sum) -> Self {
        let (started, address) = unbounded_channel();
        Self(Way::start(TELLERS, || adder(sum, started), address).await)
    }

    async fn tell(&self, work: Work) {
        self.0.lender().context.send_to(self.0.to, Told(work.into())).await.expect("the actor is there");
    }
}

#[derive(Clone)]
pub struct Asker(Way);

impl Peer for Asker {
    const NAME: &'static str = "elfo";
    const KIND: Kind = Kind::Framework;

    async fn end(self) {
        self.0.end().await;
    }

    fn within<F: Future<Output: Send> + Send>(&self, work: F) -> impl Future<Output = F::Output> + Send {
        self.0.lender().scope().within(work)
    }
}

impl Ask for Asker {
    async fn start() -> Self {
        let (started, address) = unbounded_channel();
        Self(Way::start(ASKERS, || echo(started), address).await)
    }

    async fn ask(&self, work: Work) -> Work {
        let asking = self.0.lender().context.request_to(self.0.to, Asked(work.into()));
        asking.resolve().await.expect("the actor answers").into_inner()
    }
}

/// An actor that adds up.
fn adder(sum: Sum, started: UnboundedSender<Addr>) -> Blueprint {
    ActorGroup::new().exec(move |mut context: Context| {
        let (mut sum, started) = (sum.clone(), started.clone());
        async move {
            context.set_mailbox_capacity(CAPACITY);
            started.send(context.addr()).expect("the caller waits");
            while let Some(envelope) = context.recv().await {
                msg!(match envelope {
                    Told(work) => sum.add(work.into_inner()),
                    _ => {}
                });
            }
        }
    })
}

/// An actor that answers.
fn echo(started: UnboundedSender<Addr>) -> Blueprint {
    ActorGroup::new().exec(move |mut context: Context| {
        let started = started.clone();
        async move {
            context.set_mailbox_capacity(CAPACITY);
            started.send(context.addr()).expect("the caller waits");
            while let Some(envelope) = context.recv().await {
                msg!(match envelope {
                    (Asked(work), token) => context.respond(token, work),
                    _ => {}
                });
            }
        }
    })
}

/// Actors that lend what it takes to send, and then only wait for their end.
fn lenders(count: u32, lent: UnboundedSender<Lender>) -> Blueprint {
    let router = MapRouter::new(move |envelope| {
        msg!(match envelope {
            UpdateConfig => Outcome::Multicast((0..count).collect()),
            _ => Outcome::Default,
        })
    });
    ActorGroup::new().router(router).exec(move |mut context| {
        let lent = lent.clone();
        async move {
            let lender = Lender { context: context.pruned(), scope: Mutex::new(scope::expose()) };
            assert!(lent.send(lender).is_ok(), "the caller waits");
            while context.recv().await.is_some() {}
        }
    })
}

/// An actor in whose name a task sends.
struct Lender {
    context: Context,
    /// Locked once by each task.
    scope: Mutex<Scope>,
}

impl Lender {
    fn scope(&self) -> Scope {
        self.scope.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// From one of the lenders to the receiver.
struct Way {
    to: Addr,
    node: Arc<Node>,
    lender: usize,
}

struct Node {
    lenders: Vec<Lender>,
    turn: AtomicUsize,
    groups: [Addr; 2],
}

/// Each clone sends in the name of the next actor.
impl Clone for Way {
    fn clone(&self) -> Self {
        let lender = self.node.turn.fetch_add(1, Ordering::Relaxed) % self.node.lenders.len();
        Self { to: self.to, node: Arc::clone(&self.node), lender }
    }
}

impl Way {
    async fn start(count: u32, receiver: impl FnOnce() -> Blueprint, mut address: UnboundedReceiver<Addr>) -> Self {
        let (lent, mut lend) = unbounded_channel();
        let (topology, groups) = topology(lenders(count, lent), receiver());
        let starting = do_start(topology, false, move |context, _| async move {
            for group in groups {
                let configuring = context.request_to(group, UpdateConfig::new(AnyConfig::default()));
                configuring.resolve().await.expect("the group answers").expect("it takes its configuration");
            }
        });
        starting.await.expect("the node starts");
        let mut lenders = Vec::with_capacity(count as usize);
        for _ in 0..count {
            lenders.push(lend.recv().await.expect("every lender starts"));
        }
        let to = address.recv().await.expect("the receiver starts");
        Self { to, node: Arc::new(Node { lenders, turn: AtomicUsize::new(1), groups }), lender: 0 }
    }

    fn lender(&self) -> &Lender {
        &self.node.lenders[self.lender]
    }

    /// The actors would live on.
    async fn end(self) {
        let lender = self.lender();
        let ending = async {
            for group in self.node.groups {
                lender.context.send_to(group, Terminate::default()).await.expect("the group is there");
                lender.context.finished(group).await;
            }
        };
        lender.scope().within(ending).await;
    }
}

fn topology(lenders: Blueprint, receiver: Blueprint) -> (Topology, [Addr; 2]) {
    let topology = Topology::empty();
    let (lending, receiving) = (topology.local("lenders"), topology.local("receiver"));
    let groups = [receiving.addr(), lending.addr()];
    lending.mount(lenders);
    receiving.mount(receiver);
    (topology, groups)
}
