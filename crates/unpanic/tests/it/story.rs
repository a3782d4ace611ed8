//! The story of `examples/story`, as its script tells it.

use std::net::TcpListener;
use std::process::Command;

/// Two ports that were free a moment ago.
fn ports() -> [String; 2] {
    let free = || TcpListener::bind("127.0.0.1:0").unwrap();
    [free(), free()].map(|listener| listener.local_addr().unwrap().port().to_string())
}

#[test]
fn the_story_is_told_to_its_end() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/story/run.sh");
    let [shop, tickets] = ports();
    let output = Command::new(script)
        .arg(env!("CARGO_BIN_EXE_unpanic"))
        .envs([("SHOP_PORT", shop), ("TICKETS_PORT", tickets)])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let failed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}\n{failed}");
    let mut rest = &*told;
    for part in [
        "error[MAP001]",
        "proven if called at once[MAP001]",
        "FAIL         recovery   load: process",
        "gate failed: recovery",
        "gate passed",
        // Nobody noticed the crash.
        "pass         slo        load: error rate",
        "fatal error: concurrent map",
        "visitors.go:18",
    ] {
        let at = rest.find(part).unwrap_or_else(|| panic!("no `{part}` in\n{rest}"));
        rest = &rest[at + part.len()..];
    }
}
