//! Where a panic came from. `catch_unwind` gives the message only; the place is known to the panic
//! hook alone, which leaves it here for whoever catches.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{self, PanicHookInfo};

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
