use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

/// Runs `future`, and gives the cause if it panics.
///
/// Unwind safety is the caller's business: it must not go on with what the future was changing. A handler that
/// panicked is dropped, and nothing else is lent to it for change.
pub(super) async fn catch_panic<F: Future>(future: F) -> Result<F::Output, Box<str>> {
    let mut future = pin!(future);
    std::future::poll_fn(
        |cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(polled) => polled.map(Ok),
            Err(payload) => Poll::Ready(Err(describe(&*payload))),
        },
    )
    .await
}

/// Runs `work`, and gives the cause if it panics.
pub(super) fn catch_panic_now<T>(work: impl FnOnce() -> T) -> Result<T, Box<str>> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| describe(&*payload))
}

pub(super) fn describe(payload: &(dyn Any + Send)) -> Box<str> {
    let text = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic whose cause is not text").into()
}
