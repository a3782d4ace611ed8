//! Goroutines and memory of the child, where it tells them: its Prometheus page or expvar.

use std::sync::Arc;
use std::time::Duration;

use crate::supervisor::{Context, page};

/// How often the child is asked.
const INTERVAL: Duration = Duration::from_secs(5);

/// Asks the children that are ready for `path`, for as long as the guard runs.
pub(crate) async fn run(context: Arc<Context>, path: String) {
    let mut told = false;
    loop {
        tokio::time::sleep(INTERVAL).await;
        let Some(backend) = context.router.ready().into_iter().next() else { continue };
        let asked = tokio::time::timeout(INTERVAL, page(backend.address, &path)).await;
        match asked.unwrap_or_else(|_| Err("no answer".to_owned())) {
            Ok(text) => {
                let text = String::from_utf8_lossy(&text);
                let (goroutines, memory) = numbers(&text);
                context.metrics.child(goroutines, memory);
            }
            Err(why) if !told => {
                told = true;
                context.tell(&format!("--scrape {path}: {why}"));
            }
            Err(_) => {}
        }
    }
}

/// Goroutines and bytes: of client_golang's Go collector, or of expvar's `memstats` with
/// `goroutines` or `NumGoroutine` if the service publishes one.
fn numbers(text: &str) -> (Option<i64>, Option<i64>) {
    if let Ok(json) = serde_json::from_str::<serde_json::Value>(text) {
        let number = |names: &[&str]| {
            names.iter().find_map(|name| {
                json.as_object()?.iter().find(|(k, _)| k.eq_ignore_ascii_case(name))?.1.as_i64()
            })
        };
        let memory = json.pointer("/memstats/Sys").and_then(serde_json::Value::as_i64);
        return (number(&["goroutines", "NumGoroutine", "num_goroutine"]), memory);
    }
    let sample = |name: &str| {
        text.lines().find_map(|line| {
            let value = line.strip_prefix(name)?.strip_prefix(' ')?;
            let value: f64 = value.split_whitespace().next()?.parse().ok()?;
            value.is_finite().then_some(value as i64)
        })
    };
    let memory =
        sample("process_resident_memory_bytes").or_else(|| sample("go_memstats_sys_bytes"));
    (sample("go_goroutines"), memory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        let prometheus =
            "# HELP go_goroutines x\ngo_goroutines 12\nprocess_resident_memory_bytes 1.5e+07\n";
        assert_eq!(numbers(prometheus), (Some(12), Some(15_000_000)));
        let expvar = r#"{"cmdline":["x"],"goroutines":9,"memstats":{"Sys":100}}"#;
        assert_eq!(numbers(expvar), (Some(9), Some(100)));
        assert_eq!(numbers("nonsense"), (None, None));
    }
}
