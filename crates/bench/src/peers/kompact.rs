//! kompact, whose components run on a pool of two threads of its own. The senders are on the runtime that everybody else
//! is measured on. Its mailboxes have no bound, and what asks has no timeout of its own that can be awaited.

use std::sync::{Arc, LazyLock};

use ::kompact::config_keys::system::THREADS;
// Its derive macro expects all of this in scope.
use ::kompact::prelude::{Ask as Asked, *};

use crate::scenario::{Ask, Churn, Idle, Kind, Peer, Tell};
use crate::work::{Sum, Work};

/// As many as the runtime has workers where nobody says otherwise.
const POOL: usize = 2;

/// The one system, which lasts as long as the process. What a scenario has started in it is killed at its end.
static SYSTEM: LazyLock<KompactSystem> = LazyLock::new(|| {
    let mut config = KompactConfig::default();
    config.set_config_value(&THREADS, POOL);
    config.build().wait().expect("the system starts")
});

#[derive(ComponentDefinition)]
pub struct Adder<const REST: usize> {
    ctx: ComponentContext<Self>,
    sum: Sum,
}

impl<const REST: usize> ComponentLifecycle for Adder<REST> {}

impl<const REST: usize> Actor for Adder<REST> {
    type Message = Work<REST>;

    fn receive_local(&mut self, work: Work<REST>) -> HandlerResult {
        self.sum.add(work);
        Handled::OK
    }
}

#[derive(Clone)]
pub struct Teller<const REST: usize = 5> {
    component: Arc<Component<Adder<REST>>>,
    to: ActorRefStrong<Work<REST>>,
}

impl<const REST: usize> Peer for Teller<REST> {
    const NAME: &'static str = "kompact";
    const KIND: Kind = Kind::Framework;

    async fn end(self) {
        SYSTEM.kill_notify(self.component).await.expect("the component ends");
    }
}

impl<const REST: usize> Tell<REST> for Teller<REST> {
    async fn start(sum: Sum) -> Self {
        let component = SYSTEM.create(|| Adder { ctx: ComponentContext::uninitialised(), sum });
        SYSTEM.start_notify(&component).await.expect("the component starts");
        let to = component.actor_ref().hold().expect("the component is there");
        Self { component, to }
    }

    async fn tell(&self, work: Work<REST>) {
        self.to.tell(work);
    }
}

#[derive(ComponentDefinition)]
pub struct Echo {
    ctx: ComponentContext<Self>,
}

ignore_lifecycle!(Echo);

impl Actor for Echo {
    type Message = Asked<Work, Work>;

    fn receive_local(&mut self, asked: Asked<Work, Work>) -> HandlerResult {
        asked.complete(|work| work).expect("the caller waits");
        Handled::OK
    }
}

#[derive(Clone)]
pub struct Asker {
    component: Arc<Component<Echo>>,
    to: ActorRefStrong<Asked<Work, Work>>,
}

impl Peer for Asker {
    const NAME: &'static str = "kompact";
    const KIND: Kind = Kind::Framework;

    async fn end(self) {
        SYSTEM.kill_notify(self.component).await.expect("the component ends");
    }
}

impl Ask for Asker {
    async fn start() -> Self {
        let component = spawn_echo().await;
        let to = component.actor_ref().hold().expect("the component is there");
        Self { component, to }
    }

    async fn ask(&self, work: Work) -> Work {
        self.to.ask(work).await.expect("the component answers")
    }
}

pub struct Actors;

impl Peer for Actors {
    const NAME: &'static str = "kompact";
    const KIND: Kind = Kind::Framework;
}

impl Idle for Actors {
    type Kept = Arc<Component<Echo>>;

    async fn start() -> Self {
        Self
    }

    async fn spawn(&self) -> Self::Kept {
        spawn_echo().await
    }
}

impl Churn for Actors {
    async fn start() -> Self {
        Self
    }

    async fn spawn_and_stop(&self) {
        SYSTEM.kill_notify(spawn_echo().await).await.expect("the component ends");
    }
}

async fn spawn_echo() -> Arc<Component<Echo>> {
    let component = SYSTEM.create(|| Echo { ctx: ComponentContext::uninitialised() });
    SYSTEM.start_notify(&component).await.expect("the component starts");
    component
}
