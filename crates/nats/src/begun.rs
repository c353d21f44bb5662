use std::pin::Pin;
use std::task::Poll;

/// Begins some work at once, so that messages stand in line in the order in which they came. Gives back what has to wait, to
/// go on in a task.
pub(crate) async fn begin<W: Future<Output = ()>>(work: W) -> Option<Pin<Box<W>>> {
    let mut work = Box::pin(work);
    let begun = std::future::poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await;
    begun.is_pending().then_some(work)
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn what_need_not_wait_is_done_and_what_must_is_given_back() {
        assert!(begin(async {}).await.is_none());
        let (send, receive) = oneshot::channel::<()>();
        let rest = begin(async { receive.await.unwrap() }).await.expect("it waits");
        send.send(()).unwrap();
        rest.await;
    }
}
