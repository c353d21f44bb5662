use std::hint::black_box;

use super::{Behaviour, Cast, Next, Program, System};

const ACTORS: u64 = 60;
const EACH: u64 = 2_000;

/// Many actors, which get messages in turn and do a little work for each.
pub struct ForkJoin;

impl Program for ForkJoin {
    const SCENARIO: &'static str = "savina fork-join throughput";
    const MESSAGES: u64 = ACTORS * EACH;

    async fn run<S: System>() {
        let cast = Cast::<S, Worker>::new();
        let mut workers = Vec::new();
        for _ in 0..ACTORS {
            workers.push(cast.spawn(Worker { done: 0 }).await);
        }
        for _ in 0..EACH {
            for worker in &workers {
                S::send(worker, Work);
            }
        }
        assert_eq!(cast.finish().await, ACTORS * EACH, "every message was worked off");
    }
}

struct Work;

struct Worker {
    done: u64,
}

impl<S: System> Behaviour<S> for Worker {
    type Message = Work;

    fn handle(&mut self, _: Work) -> Next {
        // Savina's piece of work.
        let sine = black_box(37.2_f64).sin();
        assert!(sine * sine > 0.0);
        self.done += 1;
        if self.done < EACH { Next::More } else { Next::End(self.done) }
    }
}
