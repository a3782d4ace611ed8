//! Placeholders in templates: capitals between double underscores, `__SERVICE__`. That is a valid
//! word in Go, YAML, JSON and a Dockerfile, so that templates can be read by the tools of each.

/// Replaces each placeholder by its value. Values are checked before they come here: nothing is
/// quoted.
pub fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(start) = rest.find("__") {
        let (before, from) = rest.split_at(start);
        out += before;
        let found = values.iter().find(|(name, _)| {
            from[2..].strip_prefix(name).is_some_and(|after| after.starts_with("__"))
        });
        match found {
            Some((name, value)) => {
                out += value;
                rest = &from[name.len() + 4..];
            }
            None => {
                out += "__";
                rest = &from[2..];
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn values_are_not_searched_for_placeholders() {
        let values = [("A", "__B__"), ("B", "b")];
        assert_eq!(fill("x__A__y__B__ __C__ ____A__", &values), "x__B__yb __C__ ____B__");
    }
}
