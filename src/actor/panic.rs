use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Poll;

/// Runs `future`, and gives the cause if it panics.
///
/// Unwind safety is the caller's business: it must not go on with what the future was changing. A handler that
/// panicked is dropped, and nothing else is lent to it for change.
///
/// It is pinned by the caller, whose own future would else have room for it twice.
pub(super) fn catch_panic<F: Future>(mut future: Pin<&mut F>) -> impl Future<Output = Result<F::Output, String>> {
    std::future::poll_fn(move |cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(polled) => polled.map(Ok),
        Err(payload) => Poll::Ready(Err(cause(payload))),
    })
}

/// Runs `work`, and gives the cause if it panics.
pub(crate) fn catch_panic_now<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(cause)
}

/// The error's text, which comes from code that may panic, as may dropping the error.
pub(super) fn error_text_of<E: fmt::Display>(error: E) -> String {
    let text = catch_panic_now(|| error.to_string()).unwrap_or_else(|panic| panic);
    drop_quietly(error);
    text
}

/// Drops what may panic once more when it is dropped, having panicked or not.
pub(super) fn drop_quietly<T>(value: T) {
    let _ = catch_panic_now(|| drop(value));
}

/// What a panic says. What it carries is the user's, and may panic when it is dropped.
fn cause(payload: Box<dyn Any + Send>) -> String {
    let cause = describe(&*payload);
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        // It could go on for ever.
        std::mem::forget(again);
    }
    cause
}

fn describe(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic whose cause is not text").into()
}

#[cfg(test)]
mod tests {
    use std::panic::panic_any;
    use std::pin::pin;
    use std::sync::Arc;

    use super::*;

    const NO_TEXT: &str = "a panic whose cause is not text";

    fn literal() {
        panic!("out of ink");
    }

    fn formatted() {
        let left = 3;
        panic!("only {left} left");
    }

    fn not_text() {
        panic_any(7_u64);
    }

    const CAUSES: [(fn(), &str); 3] = [(literal, "out of ink"), (formatted, "only 3 left"), (not_text, NO_TEXT)];

    #[test]
    fn work_that_panics_gives_its_cause() {
        for (work, cause) in CAUSES {
            assert_eq!(catch_panic_now(work), Err(cause.to_owned()));
        }
    }

    #[test]
    fn work_that_does_not_panic_gives_what_it_returns() {
        assert_eq!(catch_panic_now(|| 7), Ok(7));
    }

    #[tokio::test]
    async fn a_future_that_panics_gives_its_cause_at_once_or_after_a_wait() {
        for (work, cause) in CAUSES {
            assert_eq!(catch_panic(pin!(async { work() })).await, Err(cause.into()));
            let later = async {
                tokio::task::yield_now().await;
                work();
            };
            assert_eq!(catch_panic(pin!(later)).await, Err(cause.into()));
        }
    }

    #[tokio::test]
    async fn a_future_that_does_not_panic_gives_its_output() {
        let later = async {
            tokio::task::yield_now().await;
            7
        };
        assert_eq!(catch_panic(pin!(later)).await, Ok(7));
    }

    #[tokio::test]
    async fn what_a_panicking_future_held_is_dropped() {
        let held = Arc::new(());
        let also = Arc::clone(&held);
        {
            let panicking = pin!(async move {
                let _held = also;
                literal();
            });
            assert!(catch_panic(panicking).await.is_err());
        }
        assert_eq!(Arc::strong_count(&held), 1);
    }

    #[test]
    fn a_cause_is_described_whatever_kind_of_text_it_is() {
        assert_eq!(&*describe(&"borrowed"), "borrowed");
        assert_eq!(&*describe(&String::from("owned")), "owned");
        assert_eq!(&*describe(&()), NO_TEXT);
    }
}
