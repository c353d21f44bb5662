/// What a pool was like when it last looked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStatus {
    /// Workers that take messages.
    pub size: usize,
    /// Messages that wait before these workers, those whose senders wait for room included. This is what a pool sizes
    /// itself by.
    pub depth: usize,
    /// Workers that take no more messages, and have not finished those that they took.
    pub leaving: usize,
}
