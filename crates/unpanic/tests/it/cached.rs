//! Runs that remember earlier ones: the same bytes, from the folder that flags, environment and
//! configuration name.

use std::process::Stdio;

use crate::command::Outcome;
use crate::good_input::{MAIN, race};

const HIT: &str = "unchanged since an earlier run";

#[test]
fn the_second_run_prints_what_the_first_did() {
    let place = race();
    place.write("broken.go", b"package main\n\nfunc broken() {\n");
    for format in ["text", "json", "sarif", "github", "junit"] {
        place.run("cache clean");
        let arguments = format!("check --format {format}");
        let cold = place.run(&format!("{arguments} --no-cache"));
        assert_eq!(place.run("cache size").out, "0\n", "--no-cache has kept something");
        assert_eq!(place.run(&arguments), cold, "{format}, kept");
        assert_eq!(place.run(&arguments), cold, "{format}, remembered");
        assert!(place.run("check --statistics").out.contains(HIT));
    }
}

#[test]
fn fixes_and_edits_are_seen() {
    let place = race();
    place.run("check");
    assert!(place.run("check --statistics").out.contains(HIT));
    place.write("main.go", MAIN.replace("go h.add", "h.add").as_bytes());
    let outcome = place.run("check --statistics");
    assert_eq!(outcome.code, 0, "{}", outcome.out);
    assert!(outcome.out.contains("kept for the next run"), "{}", outcome.out);
    // The same flags under another way of printing them are the same run.
    assert!(place.run("check --statistics --color always").out.contains(HIT));
    assert!(!place.run("check --statistics --tests").out.contains(HIT));
    assert!(!place.run("check --statistics --preview").out.contains(HIT));
}

#[test]
fn processes_at_once_print_the_same() {
    let place = race();
    let cold = place.run("check --no-cache");
    for _ in 0..3 {
        let start = |_| {
            let mut command = place.command("check");
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let children: Vec<_> = (0..4).map(start).collect();
        for child in children {
            assert_eq!(Outcome::of(child.wait_with_output().unwrap()), cold);
        }
    }
    assert!(place.run("check --statistics").out.contains(HIT));
    let unfinished = |kind: &str| {
        let files = std::fs::read_dir(place.cache().join(kind)).unwrap();
        files.filter(|f| f.as_ref().unwrap().file_name().len() != 64).count()
    };
    assert_eq!(unfinished("_inputs") + unfinished("_results"), 0);
}

#[test]
fn the_folder_is_told_looked_at_and_emptied() {
    let place = race();
    assert_eq!(place.run("cache path").out.trim_end(), place.cache().to_str().unwrap());
    place.run("check");
    let size: u64 = place.run("cache size").out.trim_end().parse().unwrap();
    assert!(size > 0);
    assert!(place.run("cache clean").out.starts_with("removed"));
    assert_eq!(place.run("cache size").out, "0\n");

    place.write("unpanic.toml", b"cache-dir = 'kept'\n");
    let flag_wins = place.run("cache path --cache-dir other").out;
    assert_eq!(flag_wins.trim_end(), place.path().join("other").to_str().unwrap());
    place.write("unpanic.toml", b"no-cache = true\ncache-size = 1\n");
    place.run("check");
    assert_eq!(place.run("cache size").out, "0\n");
    place.run("check --no-cache=false --cache-size 0");
    assert_eq!(place.run("cache size").out, "0\n", "there is no room for anything");
    place.run("check --no-cache=false");
    assert_ne!(place.run("cache size").out, "0\n");
}
