use parking_lot::Mutex;

use crate::address::ActorAddress;

// Every actor has one.
const _: () = assert!(size_of::<Joined>() == 16);

/// The groups that one actor has joined. That of its own address is not among them.
///
/// Joining and leaving are done under its lock, so an actor that leaves all has left them when that returns, whoever
/// else has it do so at the same time.
#[derive(Default)]
pub(crate) struct Joined(Mutex<Option<Box<Groups>>>);

#[derive(Default)]
struct Groups(Vec<ActorAddress>);

impl Joined {
    /// Joins `group`, and notes that.
    pub(crate) fn join<E>(&self, group: &ActorAddress, join: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        let mut groups = self.0.lock();
        join()?;
        groups.get_or_insert_default().0.push(group.clone());
        Ok(())
    }

    /// Leaves `group`, unless it has been left.
    pub(crate) fn leave(&self, group: &ActorAddress, leave: impl FnOnce()) {
        let mut groups = self.0.lock();
        let Some(known) = groups.as_mut() else { return };
        let Some(place) = known.0.iter().position(|known| known == group) else { return };
        leave();
        known.0.swap_remove(place);
        if known.0.is_empty() {
            *groups = None;
        }
    }

    /// Leaves all.
    pub(crate) fn leave_all(&self, leave: impl FnMut(&ActorAddress)) {
        let mut groups = self.0.lock();
        if let Some(left) = groups.take() {
            left.0.iter().for_each(leave);
        }
    }
}
