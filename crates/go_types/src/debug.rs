//! The view for comparison with go/types: one JSON object an expression.

use std::io::{self, Write};

use go_project::{PackageId, Program};

use crate::driver::ProgramTypes;
use crate::info::FileInfo;
use crate::operand::Mode;
use crate::types::Basic;
use crate::typestring::write_type;

/// Writes `{"file","start","end","type","mode","value"}` for every expression of these packages
/// that has a type: file by file, by start, longer expressions first. Offsets are in bytes; types
/// are written as go/types' `TypeString` does with full package paths; constants as
/// `constant.Value.ExactString`. The bodies of the packages are checked for that.
pub fn debug_types(
    program: &Program,
    types: &ProgramTypes<'_>,
    packages: &[PackageId],
    out: &mut dyn Write,
) -> io::Result<()> {
    types.check_all_bodies(packages);
    for &id in packages {
        let Some(info) = types.info(id) else { continue };
        for file in &info.files {
            let path = program.sources.path(file.file).to_string_lossy();
            write_file(types, file, &path, out)?;
        }
    }
    Ok(())
}

fn write_file(
    types: &ProgramTypes<'_>,
    file: &FileInfo,
    path: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut exprs: Vec<_> = file
        .ast
        .exprs
        .iter_enumerated()
        .filter_map(|(id, e)| Some((e.span, id, file.type_of(id)?)))
        .collect();
    exprs.sort_by_key(|&(span, id, _)| (span.start, std::cmp::Reverse(span.end), id));
    let path = json_string(path);
    let mut text = String::new();
    for (span, id, t) in exprs {
        let nil = t == types.store.basic(Basic::UntypedNil);
        let mode = if nil { "nil" } else { mode_name(file.mode_of(id)) };
        text.clear();
        if mode != "novalue" {
            write_type(&mut text, types.store, t);
        }
        let value = match file.consts.get(&id) {
            Some(value) if mode == "constant" => value.exact_string(),
            _ => String::new(),
        };
        writeln!(
            out,
            "{{\"file\":{path},\"start\":{},\"end\":{},\"type\":{},\"mode\":\"{mode}\",\"value\":{}}}",
            span.start,
            span.end,
            json_string(&text),
            json_string(&value),
        )?;
    }
    Ok(())
}

/// The mode as far as the predicates of `types.TypeAndValue` tell it.
fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Invalid => "invalid",
        Mode::NoValue => "novalue",
        Mode::Builtin(_) => "builtin",
        Mode::TypeExpr => "type",
        Mode::Constant => "constant",
        Mode::Variable => "variable",
        Mode::MapIndex => "mapindex",
        Mode::NilValue => "nil",
        Mode::CommaOk => "commaok",
        Mode::Value | Mode::CommaErr | Mode::CgoFunc => "value",
    }
}

fn json_string(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            c if u32::from(c) < 0x20 => {
                use std::fmt::Write as _;
                let _ = write!(json, "\\u{:04x}", u32::from(c));
            }
            c => json.push(c),
        }
    }
    json.push('"');
    json
}
