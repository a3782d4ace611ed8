//! Durations, shares and sizes as people write them: in gate.toml, on the command line, in reports.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Reads `800ms`, `30s`, `5m`, `1h`, `1m30s`, `250us`; a bare number is refused, its unit is a guess.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || {
        format!(
            "`{}` is no duration: expected a number with a unit, such as 800ms, 30s or 5m",
            diag::clean_line(text)
        )
    };
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(wrong());
    }
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let number: f64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        seconds += number
            * match &rest[..end] {
                "ns" => 1e-9,
                "us" | "µs" => 1e-6,
                "ms" => 1e-3,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                _ => return Err(wrong()),
            };
        rest = &rest[end..];
    }
    Duration::try_from_secs_f64(seconds).ok().filter(|d| d.as_secs() < 1 << 32).ok_or_else(wrong)
}

/// A duration in a configuration file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Span(pub Duration);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse_duration(text).map(Self)
    }
}

impl Span {
    /// So many milliseconds.
    pub const fn millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(self.0))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Span {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// A share between 0 and 1, written as `0.5%` or `0.005`.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug)]
pub struct Share(pub f64);

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (number, unit) = match text.strip_suffix('%') {
            Some(number) => (number, 100.0),
            None => (text, 1.0),
        };
        match number.trim().parse::<f64>() {
            Ok(value) if value.is_finite() && value >= 0.0 => Ok(Self(value / unit)),
            _ => Err(format!("`{}` is no share: expected 0.5% or 0.005", diag::clean_line(text))),
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&percent(self.0))
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(f64),
            Text(String),
        }
        let text = match Written::deserialize(from)? {
            Written::Number(number) => number.to_string(),
            Written::Text(text) => text,
        };
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A number of bytes, written as `256MiB`, `64KiB`, `1GiB` or plain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Size(pub u64);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let unit = match text[digits..].trim() {
            "" | "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => 0,
        };
        text[..digits]
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(unit))
            .filter(|size| *size > 0)
            .map(Self)
            .ok_or_else(|| {
                format!("`{}` is no size: expected 64KiB, 256MiB or 1GiB", diag::clean_line(text))
            })
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A duration with three digits that count.
pub fn shown(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    match duration.as_nanos() {
        0 => "0s".to_owned(),
        1..1_000_000 => digits(seconds * 1e6, "µs"),
        1_000_000..1_000_000_000 => digits(seconds * 1e3, "ms"),
        _ => digits(seconds, "s"),
    }
}

/// Nanoseconds with three digits that count.
pub fn shown_ns(ns: u64) -> String {
    shown(Duration::from_nanos(ns))
}

/// A share as a percentage.
pub fn percent(share: f64) -> String {
    digits(share * 100.0, "%")
}

fn digits(value: f64, unit: &str) -> String {
    let places = match value.abs() {
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        _ => 2,
    };
    let text = format!("{value:.places$}");
    let text = if places > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_shown() {
        let read = |text| parse_duration(text).unwrap();
        assert_eq!(read("800ms"), Duration::from_millis(800));
        assert_eq!(read("1m30s"), Duration::from_secs(90));
        assert_eq!(read("1.5s"), Duration::from_millis(1500));
        for text in ["", "5", "s", "-1s", "1 s x", "1e9s", "99999999999999h", "1..2s"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
        assert_eq!(shown(Duration::from_micros(1234)), "1.23ms");
        assert_eq!(shown(Duration::from_secs(30)), "30s");
        assert_eq!(shown(Duration::from_micros(100)), "100µs");
    }

    #[test]
    fn shares_and_sizes_are_read() {
        assert_eq!("0.5%".parse::<Share>().unwrap().to_string(), "0.5%");
        assert_eq!("0.25".parse::<Share>().unwrap().to_string(), "25%");
        assert!("-1%".parse::<Share>().is_err() && "nan".parse::<Share>().is_err());
        assert_eq!("256MiB".parse::<Size>().unwrap().0, 256 << 20);
        assert!("0".parse::<Size>().is_err() && "99999999999GiB".parse::<Size>().is_err());
        assert_eq!(percent(0.0123), "1.23%");
        assert_eq!(percent(1.0), "100%");
    }
}
