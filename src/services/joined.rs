use crate::address::ActorAddress;
use crate::sync::Mutex;

// Every actor has one.
#[cfg(not(shuttle))]
const _: () = assert!(size_of::<Joined>() == 16);

/// The groups that one actor has joined. That of its own address is not among them.
///
/// Joining and leaving are done under its lock, so an actor that leaves all has left them when that returns, whoever
/// else has it do so at the same time.
#[derive(Default)]
pub(crate) struct Joined(Mutex<Option<Box<Groups>>>);

#[derive(Default)]
struct Groups {
    now: Vec<ActorAddress>,
    /// Those that it has left, and still knows keys of.
    settling: Vec<ActorAddress>,
}

impl Joined {
    /// Joins `group`, and notes that.
    pub(crate) fn join<E>(&self, group: &ActorAddress, join: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        let mut groups = self.0.lock();
        join()?;
        groups.get_or_insert_default().now.push(group.clone());
        Ok(())
    }

    /// Leaves `group`, unless it has been left. `leave` says whether messages that came by their keys are still with the
    /// actor.
    pub(crate) fn leave(&self, group: &ActorAddress, leave: impl FnOnce() -> bool) {
        let mut groups = self.0.lock();
        let Some(known) = groups.as_mut() else { return };
        let Some(place) = known.now.iter().position(|known| known == group) else { return };
        let left = known.now.swap_remove(place);
        if leave() && !known.settling.contains(&left) {
            known.settling.push(left);
        }
        if known.now.is_empty() && known.settling.is_empty() {
            *groups = None;
        }
    }

    /// Leaves all, likewise.
    pub(crate) fn leave_all(&self, mut leave: impl FnMut(&ActorAddress) -> bool) {
        let mut groups = self.0.lock();
        if let Some(known) = groups.as_mut() {
            let left = std::mem::take(&mut known.now);
            known.settling.extend(left.into_iter().filter(|group| leave(group)));
        }
    }

    /// The groups which must be told that the actor has no keys any more.
    pub(crate) fn settle(&self) -> Vec<ActorAddress> {
        self.0.lock().take().map_or_else(Vec::new, |groups| groups.settling)
    }
}
