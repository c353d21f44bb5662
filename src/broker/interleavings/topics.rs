use super::support::{Broker, Job, assert_accounts, broker};
use crate::address::Name;
use crate::broker::MessageBroker;
use crate::mailbox::MailboxOptions;
use crate::sync::{block_on, check, scope};
use crate::topics::{Interest, Subject, SubjectPattern, Subscription};

fn orders() -> SubjectPattern {
    SubjectPattern::new("orders.>").unwrap()
}

fn subscribe(broker: &Broker, interest: impl Into<Interest> + Send) -> Subscription<Job, Broker> {
    block_on(broker.subscribe(interest, MailboxOptions::bounded(4))).unwrap()
}

/// Publishes twice. Gives how many copies were taken, and how many were lost.
fn publish(broker: &Broker) -> (usize, usize) {
    let subject = Subject::new("orders.placed").unwrap();
    let published = [0, 1].map(|number| block_on(broker.publish(&subject, Job(number))));
    (published.iter().map(|each| each.delivered).sum(), published.iter().map(|each| each.refused).sum())
}

fn take_all(subscription: &mut Subscription<Job, Broker>) -> usize {
    std::iter::from_fn(|| subscription.try_recv()).count()
}

#[test]
fn what_is_published_as_a_subscription_ends_reaches_all_others() {
    check(|| {
        let broker = broker();
        let [ends, mut stays] = [(); 2].map(|()| subscribe(&broker, orders()));
        let (delivered, refused) = scope(|scope| {
            let publishes = scope.spawn(|| publish(&broker));
            drop(ends);
            publishes.join().unwrap()
        });
        assert_eq!((take_all(&mut stays), refused), (2, 0));
        assert_accounts(&broker, 2, delivered - 2);
    });
}

#[test]
fn what_is_published_as_a_member_of_a_group_ends_goes_to_another() {
    check(|| {
        let broker = broker();
        let share = || orders().in_group(Name::new("billing").unwrap());
        let [ends, mut stays] = [(); 2].map(|()| subscribe(&broker, share()));
        let published = scope(|scope| {
            let publishes = scope.spawn(|| publish(&broker));
            drop(ends);
            publishes.join().unwrap()
        });
        assert_eq!(published, (2, 0));
        let taken = take_all(&mut stays);
        assert_accounts(&broker, taken, 2 - taken);
    });
}
