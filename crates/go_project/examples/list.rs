use std::time::Instant;
fn main() {
    let mut o = go_project::LoadOptions::default();
    let mut json = false;
    for a in std::env::args().skip(1) {
        match a.as_str() { "-test" => o.tests = true, "-json" => json = true, "-i" => o.parse = go_project::ParseLevel::ImportsOnly, _ => o.patterns.push(a) }
    }
    let t = Instant::now();
    let p = go_project::load(&source::OsSystem, &o);
    eprintln!("{:?} packages {} files {} levels {} roots {} goroot {:?} {:?} cgo {}", t.elapsed(), p.packages.len(), p.sources.len(), p.levels.len(), p.roots.len(), p.context.goroot, p.context.tool_tags, p.context.cgo);
    for m in &p.missing { eprintln!("missing: {m}"); }
    for e in &p.errors { eprintln!("error {:?}: {e}", e.class); }
    let mut n=0; for q in p.packages.iter() { for e in &q.errors { n+=1; if n<20 { eprintln!("{} {:?}: {e}", q.import_path, e.class);} } }
    eprintln!("{n} package errors");
    if json { for d in p.describe() { println!("{}", serde_json::to_string(&d).unwrap()); } }
}
