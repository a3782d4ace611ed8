//! The sentences that several renderers share.

use crate::{Access, GoroutineKind, Resolver, clean_line};

/// What starts a goroutine, for after "goroutine A:".
pub(super) fn goroutine(access: &Access, resolver: &Resolver<'_>) -> String {
    let goroutine = &access.goroutine;
    let at = goroutine.start.map(|span| resolver.line(span));
    let at = |verb: &str| at.as_ref().map_or(String::new(), |(f, l)| format!("{verb} {f}:{l}"));
    let start = match goroutine.kind {
        GoroutineKind::Main => "the main goroutine".to_owned(),
        GoroutineKind::Init => format!("package initialisation{}", at(" at")),
        GoroutineKind::GoStatement => format!("started{}", at(" at")),
        GoroutineKind::HttpHandler => format!("HTTP handler{}", at(" registered at")),
        GoroutineKind::GrpcHandler => format!("gRPC handler{}", at(" registered at")),
        GoroutineKind::Timer => format!("timer callback{}", at(" set at")),
        GoroutineKind::Test => format!("test{}", at(" at")),
        GoroutineKind::Callback => format!("callback{}", at(" handed over at")),
        GoroutineKind::ExportedApi => format!("any caller of the exported API{}", at(" at")),
    };
    if goroutine.many { format!("{start} (many run at once)") } else { start }
}

/// The calls that lead to an access: `f (a.go:1) → g (b.go:2) → h`. `None` when it stands in the
/// goroutine's own function.
pub(super) fn path(access: &Access, resolver: &Resolver<'_>) -> Option<String> {
    let mut path = String::new();
    for frame in &access.path {
        let (file, line) = resolver.line(frame.place);
        path += &format!("{} ({file}:{line}) → ", short_function(&frame.function));
    }
    (!path.is_empty()).then(|| path + &short_function(&access.function))
}

/// "holds h.mu" or "holds no lock".
pub(super) fn locks(access: &Access) -> String {
    if access.locks.is_empty() {
        return "holds no lock".to_owned();
    }
    let locks: Vec<_> = access.locks.iter().map(|l| clean_line(l)).collect();
    format!("holds {}", locks.join(", "))
}

/// The whole of an access in one line, for formats without excerpts.
pub(super) fn access(access: &Access, resolver: &Resolver<'_>) -> String {
    let (file, line) = resolver.line(access.place);
    let mut text = format!(
        "{} at {file}:{line} in {}; {}",
        access.kind.label(),
        clean_line(&access.function),
        goroutine(access, resolver)
    );
    if let Some(path) = path(access, resolver) {
        text += &format!("; by way of {path}");
    }
    format!("{text}; {}", locks(access))
}

/// "goroutine A" for the first access, "goroutine B" for the second, …
pub(super) fn name(index: usize) -> String {
    match u8::try_from(index) {
        Ok(i) if i < 26 => format!("goroutine {}", char::from(b'A' + i)),
        _ => format!("goroutine {}", index + 1),
    }
}

/// A function's name without the folders of its import path:
/// `example.com/hub.(*Hub).Add` is `hub.(*Hub).Add`.
pub(super) fn short_function(function: &str) -> String {
    // Type arguments may hold slashes of their own.
    let head = function.find('[').unwrap_or(function.len());
    let start = function[..head].rfind('/').map_or(0, |slash| slash + 1);
    clean_line(&function[start..]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_lose_their_folders_only() {
        assert_eq!(short_function("example.com/hub.(*Hub).Add"), "hub.(*Hub).Add");
        assert_eq!(short_function("main.main.func1"), "main.main.func1");
        assert_eq!(short_function("a.b/c.F[d.e/f.T]"), "c.F[d.e/f.T]");
    }
}
