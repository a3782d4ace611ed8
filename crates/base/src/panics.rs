//! Catching panics, so that a mistake of ours on one function or package costs that one only.
//! `catch_unwind` gives the message; the place is known to the panic hook alone, which leaves it
//! here for whoever catches.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};

thread_local! {
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Makes panics remembered, and silent unless `loud`: they are caught and told as diagnostics.
pub fn install_panic_hook(loud: bool) {
    let default = panic::take_hook();
    panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
        let place =
            info.location().map_or(String::new(), |l| format!(" ({}:{})", l.file(), l.line()));
        LAST.with(|last| *last.borrow_mut() = Some(payload_text(info.payload()) + &place));
        if loud {
            default(info);
        }
    }));
}

/// Runs `f`; the error is the text of its panic. What `f` was changing may be left half done: the
/// caller throws it away or puts it right.
pub fn catch<T>(f: impl FnOnce() -> T) -> Result<T, String> {
    panic::catch_unwind(AssertUnwindSafe(f)).map_err(|payload| panic_text(&*payload))
}

/// The text of a caught panic, with its place when the hook saw it on this thread.
pub fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload_text(payload);
    let last = LAST.with(|last| last.borrow_mut().take());
    last.filter(|last| last.starts_with(&text)).unwrap_or(text)
}

fn payload_text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".into())
}

#[cfg(test)]
mod tests {
    use super::{catch, install_panic_hook};

    #[test]
    fn a_panic_is_an_error_with_its_place() {
        assert_eq!(catch(|| 1), Ok(1));
        install_panic_hook(false);
        let none: &[u8] = &[];
        let error = catch(|| none[std::hint::black_box(3)]).unwrap_err();
        assert!(error.starts_with("index out of bounds"), "{error}");
        assert!(error.contains("panics.rs:"), "{error}");
        assert_eq!(catch(|| std::panic::panic_any(7)).unwrap_err().split(' ').next(), Some("no"));
    }
}
