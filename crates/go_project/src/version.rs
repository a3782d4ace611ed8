//! Versions: of modules (semantic versions as Go orders them), of the language (`go 1.22`), and the
//! escaping of module paths and versions in the module cache.

use std::cmp::Ordering;

use crate::LanguageVersion;

/// Orders two module versions (Semantic Versioning 2.0.0 §11; build metadata is ignored, an invalid
/// version is below every valid one), as `golang.org/x/mod/semver` does.
pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    match (parse(a), parse(b)) {
        (None, None) => a.cmp(b),
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some(a), Some(b)) => a.numbers.cmp(&b.numbers).then_with(|| compare_pre(a.pre, b.pre)),
    }
}

/// The language version in `1.22`, `1.22.3`, `go1.21rc2` or `go1.27-devel_…`.
pub(crate) fn language(text: &str) -> Option<LanguageVersion> {
    let text = text.strip_prefix("go").unwrap_or(text);
    let (major, rest) = leading_number(text)?;
    let minor = match rest.strip_prefix('.') {
        Some(rest) => leading_number(rest)?.0,
        None if rest.is_empty() => 0,
        None => return None,
    };
    Some((major, minor))
}

/// A module path or version as the module cache writes it: capitals become `!` and the small letter.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 4);
    for c in text.chars() {
        if c.is_ascii_uppercase() {
            escaped.push('!');
            escaped.push(c.to_ascii_lowercase());
        } else {
            escaped.push(c);
        }
    }
    escaped
}

struct Version<'a> {
    /// Major, minor, patch; numbers too large to compare are cut to `u64::MAX`.
    numbers: [u64; 3],
    pre: &'a str,
}

fn parse(text: &str) -> Option<Version<'_>> {
    let text = text.strip_prefix('v')?;
    let text = text.split_once('+').map_or(text, |(core, _)| core);
    let (core, pre) = text.split_once('-').unwrap_or((text, ""));
    let mut numbers = [0; 3];
    let mut parts = core.split('.');
    for number in &mut numbers {
        let Some(part) = parts.next() else { break };
        if part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        *number = part.parse().unwrap_or(u64::MAX);
    }
    parts.next().is_none().then_some(Version { numbers, pre })
}

/// A version without pre-release is above the same one with it.
fn compare_pre(a: &str, b: &str) -> Ordering {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut left, mut right) = (a.split('.'), b.split('.'));
    loop {
        match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) => {
                let order = compare_identifier(x, y);
                if order.is_ne() {
                    return order;
                }
            }
        }
    }
}

fn compare_identifier(x: &str, y: &str) -> Ordering {
    let number = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    match (number(x), number(y)) {
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (true, true) => x.len().cmp(&y.len()).then_with(|| x.cmp(y)),
        (false, false) => x.cmp(y),
    }
}

fn leading_number(text: &str) -> Option<(u32, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_semver_says() {
        let ordered = [
            "master",
            "v0.0.0-20190101000000-abcdefabcdef",
            "v0.1.0",
            "v1.0.0-alpha",
            "v1.0.0-alpha.1",
            "v1.0.0-alpha.beta",
            "v1.0.0-rc.2",
            "v1.0.0-rc.11",
            "v1.0.0",
            "v1.2.0",
            "v1.10.0",
            "v2.0.0+incompatible",
        ];
        for pair in ordered.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(compare(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
        }
        assert_eq!(compare("v1.0.0+a", "v1.0.0+b"), Ordering::Equal);
    }

    #[test]
    fn language_versions_lose_their_patch_level() {
        assert_eq!(language("1.22.3"), Some((1, 22)));
        assert_eq!(language("go1.21rc2"), Some((1, 21)));
        assert_eq!(language("go1.28-devel_0123"), Some((1, 28)));
        assert_eq!(language("1"), Some((1, 0)));
        assert_eq!(language("one"), None);
        assert_eq!(language("99999999999999.1"), None);
    }

    #[test]
    fn capitals_are_escaped() {
        assert_eq!(escape("github.com/Azure/go-Autorest"), "github.com/!azure/go-!autorest");
    }
}
