//! The operating systems and architectures that Go knows: what a file-name suffix may mean, which
//! systems are `unix`, where cgo works, and which tags the target sets by itself.

/// Every name that is or was a `GOOS` (`internal/syslist` of the standard library).
const KNOWN_OS: &[&str] = &[
    "aix",
    "android",
    "darwin",
    "dragonfly",
    "freebsd",
    "hurd",
    "illumos",
    "ios",
    "js",
    "linux",
    "nacl",
    "netbsd",
    "openbsd",
    "plan9",
    "solaris",
    "wasip1",
    "windows",
    "zos",
];

/// The systems for which the tag `unix` holds.
const UNIX_OS: &[&str] = &[
    "aix",
    "android",
    "darwin",
    "dragonfly",
    "freebsd",
    "hurd",
    "illumos",
    "ios",
    "linux",
    "netbsd",
    "openbsd",
    "solaris",
];

/// Every name that is or was a `GOARCH`.
const KNOWN_ARCH: &[&str] = &[
    "386",
    "amd64",
    "amd64p32",
    "arm",
    "armbe",
    "arm64",
    "arm64be",
    "loong64",
    "mips",
    "mipsle",
    "mips64",
    "mips64le",
    "mips64p32",
    "mips64p32le",
    "ppc",
    "ppc64",
    "ppc64le",
    "riscv",
    "riscv64",
    "s390",
    "s390x",
    "sparc",
    "sparc64",
    "wasm",
];

pub(crate) fn is_known_os(name: &str) -> bool {
    KNOWN_OS.contains(&name)
}

pub(crate) fn is_known_arch(name: &str) -> bool {
    KNOWN_ARCH.contains(&name)
}

pub(crate) fn is_unix(goos: &str) -> bool {
    UNIX_OS.contains(&goos)
}

/// Whether `go` builds with cgo for this target when it can (`internal/platform.CgoSupported`).
pub(crate) fn cgo_supported(goos: &str, goarch: &str) -> bool {
    match goos {
        "linux" => !matches!(goarch, "sparc64" | "wasm"),
        "darwin" | "ios" => matches!(goarch, "amd64" | "arm64"),
        "windows" => matches!(goarch, "386" | "amd64" | "arm64"),
        "android" | "freebsd" | "netbsd" | "openbsd" => !matches!(goarch, "mips64" | "wasm"),
        "dragonfly" | "illumos" | "solaris" => goarch == "amd64",
        "aix" => goarch == "ppc64",
        _ => false,
    }
}

/// `GOOS` of the machine that unpanic was built for.
pub(crate) fn host_os() -> &'static str {
    match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    }
}

/// `GOARCH` of the machine that unpanic was built for.
pub(crate) fn host_arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "x86" => "386",
        "aarch64" => "arm64",
        "loongarch64" => "loong64",
        "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
        "powerpc64" => "ppc64",
        other => other,
    }
}

/// The environment variable that chooses the level of an architecture, and its default.
pub(crate) fn level_variable(goarch: &str) -> Option<(&'static str, &'static str)> {
    Some(match goarch {
        "386" => ("GO386", "sse2"),
        "amd64" => ("GOAMD64", "v1"),
        "arm" => ("GOARM", "7"),
        "arm64" => ("GOARM64", "v8.0"),
        "mips" | "mipsle" => ("GOMIPS", "hardfloat"),
        "mips64" | "mips64le" => ("GOMIPS64", "hardfloat"),
        "ppc64" | "ppc64le" => ("GOPPC64", "power8"),
        "riscv64" => ("GORISCV64", "rva20u64"),
        "wasm" => ("GOWASM", ""),
        _ => return None,
    })
}

/// The tags that an architecture sets at a level (`go help buildconstraint`): each level implies
/// those below it.
pub(crate) fn level_tags(goarch: &str, level: &str) -> Vec<String> {
    let tag = |suffix: &str| format!("{goarch}.{suffix}");
    let digits = |text: &str| -> u32 {
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        text[..end].parse().unwrap_or(0)
    };
    match goarch {
        "386" | "mips" | "mipsle" | "mips64" | "mips64le" => vec![tag(level)],
        "amd64" => (1..=digits(level.trim_start_matches('v')).clamp(1, 4))
            .map(|n| tag(&format!("v{n}")))
            .collect(),
        "arm" => (5..=digits(level).clamp(5, 7)).map(|n| tag(&n.to_string())).collect(),
        "arm64" => {
            let (major, minor) =
                level.trim_start_matches('v').split_once('.').unwrap_or(("8", "0"));
            let (major, minor) = (digits(major), digits(minor).min(9));
            let mut tags: Vec<String> =
                (0..=minor).map(|n| tag(&format!("v{major}.{n}"))).collect();
            if major == 9 {
                tags.extend((0..=(minor + 5).min(9)).map(|n| tag(&format!("v8.{n}"))));
            }
            tags
        }
        "ppc64" | "ppc64le" => (8..=digits(level.trim_start_matches("power")).clamp(8, 10))
            .map(|n| tag(&format!("power{n}")))
            .collect(),
        "riscv64" => [20, 22, 23]
            .into_iter()
            .filter(|&n| n <= digits(level.trim_start_matches("rva")).max(20))
            .map(|n| tag(&format!("rva{n}u64")))
            .collect(),
        "wasm" => vec![tag("satconv"), tag("signext")],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_implies_those_below() {
        assert_eq!(level_tags("amd64", "v3"), ["amd64.v1", "amd64.v2", "amd64.v3"]);
        assert_eq!(level_tags("arm", "6,softfloat"), ["arm.5", "arm.6"]);
        assert_eq!(level_tags("riscv64", "rva22u64"), ["riscv64.rva20u64", "riscv64.rva22u64"]);
        assert_eq!(level_tags("arm64", "v8.0"), ["arm64.v8.0"]);
    }
}
