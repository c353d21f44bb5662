/// What a policy sees of the members of a group, at one moment.
///
/// Members are known by their place in a list. A place must be less than [`len`](Self::len), and means the same member
/// for as long as the list is the same.
pub trait Members {
    /// How many members there are.
    fn len(&self) -> usize;

    /// How many messages the member at `place` has before it: those in its mailbox and those that it is handling.
    ///
    /// It may have changed by the time that the policy names the member. That makes a choice less good, never wrong.
    fn load(&self, place: usize) -> usize;

    /// How large a share the member at `place` is to have, in proportion to the weights of the others. Only
    /// [`WeightTable`](super::WeightTable) looks at it.
    fn weight(&self, place: usize) -> u32;

    /// What tells this member from all others, and stays with it for ever. Only [`Ring`](super::Ring) looks at it.
    ///
    /// Where several processes must agree on the member for a key, they must agree on this as well.
    fn identity(&self, place: usize) -> u64;

    /// Whether there are no members.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
