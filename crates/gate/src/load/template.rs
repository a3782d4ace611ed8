//! Small templates in paths, headers and bodies: `{{counter}}`, `{{uuid}}`, `{{random a|b|c}}`,
//! `{{env NAME}}`. They make requests differ; they are no language.

use std::fmt::Write as _;

/// The most a template may be, in bytes.
const MAX: usize = 16 << 20;

/// Text with places that are filled anew for each request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Part {
    Text(String),
    Counter,
    Uuid,
    Random(Vec<String>),
}

impl Template {
    /// Reads a template. `env` answers for `{{env NAME}}`, once.
    pub fn parse(text: &str, env: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        if text.len() > MAX {
            return Err(format!("a template has at most {MAX} bytes, found {}", text.len()));
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find("{{") {
            let inside = &rest[start + 2..];
            let end = inside.find("}}").ok_or_else(|| {
                format!("`{{{{` at byte {} has no `}}}}`", text.len() - rest.len() + start)
            })?;
            push_text(&mut parts, &rest[..start]);
            let word = inside[..end].trim();
            let (name, argument) = word.split_once(char::is_whitespace).unwrap_or((word, ""));
            match (name, argument.trim()) {
                ("counter", "") => parts.push(Part::Counter),
                ("uuid", "") => parts.push(Part::Uuid),
                ("random", list) if !list.is_empty() => {
                    parts
                        .push(Part::Random(list.split('|').map(|c| c.trim().to_owned()).collect()));
                }
                ("env", variable) if !variable.is_empty() => {
                    let value = env(variable).ok_or_else(|| {
                        format!("{{{{env {variable}}}}}: the environment has no {variable}")
                    })?;
                    push_text(&mut parts, &value);
                }
                _ => {
                    return Err(format!(
                        "`{{{{{}}}}}` is not known; there are {{{{counter}}}}, {{{{uuid}}}}, \
                         {{{{random a|b|c}}}} and {{{{env NAME}}}}",
                        diag::clean_line(word)
                    ));
                }
            }
            rest = &inside[end + 2..];
        }
        push_text(&mut parts, rest);
        Ok(Self { parts })
    }

    /// The text, if it is always the same.
    pub fn constant(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The text for request number `counter`.
    pub fn fill(&self, counter: u64) -> String {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Counter => {
                    let _ = write!(out, "{counter}");
                }
                Part::Uuid => out.push_str(&uuid()),
                Part::Random(choices) => out.push_str(&choices[fastrand::usize(..choices.len())]),
            }
        }
        out
    }
}

fn push_text(parts: &mut Vec<Part>, text: &str) {
    match parts.last_mut() {
        _ if text.is_empty() => {}
        Some(Part::Text(last)) => last.push_str(text),
        _ => parts.push(Part::Text(text.to_owned())),
    }
}

/// A random UUID (RFC 9562, section 5.4).
pub fn uuid() -> String {
    let bits = fastrand::u128(..) & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Template, String> {
        Template::parse(text, |name| (name == "USER").then(|| "ann".to_owned()))
    }

    #[test]
    fn places_are_filled() {
        let template = parse("/u/{{env USER}}/{{ counter }}?c={{random red | blue}}").unwrap();
        assert!(template.constant().is_none());
        for n in 0..20 {
            let text = template.fill(n);
            let colour = text.strip_prefix(&format!("/u/ann/{n}?c=")).unwrap();
            assert!(colour == "red" || colour == "blue");
        }
        assert_eq!(parse("/u/{{env USER}}").unwrap().constant(), Some("/u/ann"));
        assert_eq!(parse("").unwrap().constant(), Some(""));
    }

    #[test]
    fn a_uuid_has_its_version_and_variant() {
        for _ in 0..100 {
            let text = uuid();
            assert_eq!(text.len(), 36);
            assert_eq!(&text[14..15], "4");
            assert!("89ab".contains(&text[19..20]), "{text}");
        }
    }

    #[test]
    fn mistakes_say_what_there_is() {
        assert!(parse("{{nothing}}").unwrap_err().contains("{{counter}}"));
        assert!(parse("{{counter").unwrap_err().contains("byte 0"));
        assert!(parse("{{env NO}}").unwrap_err().contains("NO"));
        assert!(parse("{{random}}").is_err() && parse("{{env}}").is_err());
    }
}
