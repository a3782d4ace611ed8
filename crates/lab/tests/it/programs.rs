//! The programs are Go as it should be: formatted, vetted, and no longer than a page or four.

use std::process::Command;

use crate::toolchain;

#[test]
fn programs_are_formatted_and_vetted() {
    let toolchain = toolchain();
    let folder = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    std::fs::write(folder.path().join("go.mod"), "module lab\n\ngo 1.21\n").unwrap();
    for experiment in lab::all() {
        let own = folder.path().join(&experiment.name);
        std::fs::create_dir(&own).unwrap();
        std::fs::write(own.join("main.go"), experiment.program).unwrap();
        paths.push(own);
        assert!(experiment.program.starts_with("// "), "{} says nothing", experiment.name);
    }
    let gofmt = Command::new(toolchain.root.join("bin/gofmt")).arg("-l").args(&paths).output();
    let gofmt = gofmt.unwrap();
    assert!(gofmt.status.success() && gofmt.stdout.is_empty(), "{gofmt:?}");
    let vet = Command::new(&toolchain.go)
        .args(["vet", "./..."])
        .current_dir(folder.path())
        .envs([("GOTOOLCHAIN", "local"), ("GOPROXY", "off"), ("GOWORK", "off")])
        .env_remove("GOROOT")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&vet.stderr);
    // Each pair of goroutines below exists for its mistake, and vet is silent on all of them; that the
    // dropped lock and the endless recursion are in order is not vet's to say either.
    assert!(vet.status.success(), "{text}");
}
