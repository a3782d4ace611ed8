//! Verdicts for people: the finding, then the two goroutines with their calls.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style as Ansi};
use diag::render::terminal::Style;
use diag::{FindingRecord, clean_line};
use prover::{Meeting, Proof, Side, StackFrame, Verdict, VerdictKind};

use super::emit::Emitted;

/// So many calls of a goroutine are shown.
const FRAMES: usize = 12;

/// Prints verdicts.
pub struct Printer {
    /// Colours.
    pub style: Style,
}

const RED: Ansi = AnsiColor::Red.on_default().bold();
const YELLOW: Ansi = AnsiColor::Yellow.on_default().bold();
const BOLD: Ansi = Ansi::new().bold();
const DIM: Ansi = Ansi::new().dimmed();

impl Printer {
    /// One finding with its proof.
    pub fn verdict(
        &self,
        finding: &FindingRecord,
        verdict: &Verdict,
        emitted: Option<&Emitted>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let proven = matches!(verdict.verdict, VerdictKind::Proven | VerdictKind::ProvenIfCalled);
        let color = if proven { RED } else { YELLOW };
        let label = self.paint(color, &format!("{}[{}]", verdict.verdict.label(), finding.rule));
        writeln!(
            out,
            "{label}{}",
            self.paint(BOLD, &format!(": {}", clean_line(&finding.message)))
        )?;
        let place = &finding.primary;
        writeln!(out, "  --> {}:{}:{}", clean_line(&place.file), place.line, place.column)?;
        match &verdict.proof {
            Some(Proof::Meeting { meeting }) => self.meeting(meeting, out)?,
            Some(Proof::FatalError { message, stack }) => {
                writeln!(out, "  the runtime ended the program: {}", clean_line(message))?;
                self.stack(stack, None, out)?;
            }
            None => {}
        }
        if let (Some(run), VerdictKind::Proven) = (verdict.run, verdict.verdict) {
            writeln!(out, "  = proven in run {run}")?;
        }
        let times = |n: u64| if n == 1 { "once".into() } else { format!("{n} times") };
        if verdict.reached > 0 {
            writeln!(
                out,
                "  = its accesses were reached {}, a goroutine was held there {}, two met {}",
                times(verdict.reached),
                times(verdict.held),
                times(verdict.met)
            )?;
        }
        for skipped in &verdict.skipped {
            writeln!(out, "  = without a trap: {}", clean_line(skipped))?;
        }
        if !verdict.calls.is_empty() {
            let calls = prover::listed(&verdict.calls, "`");
            let why = match verdict.own_reached {
                0 => "nothing of yours reaches it".to_owned(),
                n => format!("what is yours reached it {}, never at once", times(n)),
            };
            writeln!(out, "  = {why}: a test was made that calls {} at once", clean_line(&calls))?;
            for text in &verdict.assumed {
                writeln!(out, "  = taken for granted: {}", clean_line(text))?;
            }
        }
        match emitted {
            Some(Emitted { file: Some(file), written, failed, of, needs_race, .. }) => {
                let verb = if *written { "test written" } else { "test made" };
                let with = if *needs_race { " with -race" } else { "" };
                writeln!(
                    out,
                    "  = {verb}: {}: failed in {failed} of {of} runs{with}",
                    clean_line(file)
                )?;
            }
            Some(Emitted { reason: Some(reason), .. }) => {
                writeln!(out, "  = no test: {}", clean_line(reason))?;
            }
            _ => {}
        }
        writeln!(out)
    }

    /// Meetings that belong to no finding.
    pub fn meetings<'m>(
        &self,
        meetings: impl Iterator<Item = &'m Meeting>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let mut seen: Vec<[(&str, u32, u32); 2]> = Vec::new();
        for meeting in meetings {
            let mut pair = [place(&meeting.held), place(&meeting.came)];
            pair.sort_unstable();
            if seen.contains(&pair) {
                continue;
            }
            seen.push(pair);
            let label = self.paint(RED, "proven");
            writeln!(out, "{label}: two goroutines at `{}`", clean_line(&meeting.held.object))?;
            self.meeting(meeting, out)?;
            writeln!(out)?;
        }
        writeln!(out, "{} pairs of accesses met", seen.len())
    }

    /// How many of each.
    pub fn summary(&self, verdicts: &[Verdict], out: &mut dyn Write) -> io::Result<()> {
        let kinds = [
            VerdictKind::Proven,
            VerdictKind::ProvenIfCalled,
            VerdictKind::NeverTogether,
            VerdictKind::NotReached,
            VerdictKind::NotWatched,
        ];
        let count = |kind| verdicts.iter().filter(|v| v.verdict == kind).count();
        let told = kinds.into_iter().filter(|&k| count(k) > 0 || k == VerdictKind::Proven);
        let parts: Vec<String> = told.map(|k| format!("{} {}", count(k), k.label())).collect();
        writeln!(out, "{}", parts.join(", "))
    }

    fn meeting(&self, meeting: &Meeting, out: &mut dyn Write) -> io::Result<()> {
        self.side("held at", &meeting.held, out)?;
        self.side("came to", &meeting.came, out)?;
        let (kind, address) = (clean_line(&meeting.held.type_name), clean_line(&meeting.address));
        writeln!(out, "  = one object: {kind} at {address}")
    }

    fn side(&self, verb: &str, side: &Side, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "  goroutine {} {verb} the {} of `{}` at {}:{}:{}",
            side.goroutine,
            side.kind.label(),
            clean_line(&side.object),
            clean_line(&side.file),
            side.line,
            side.column
        )?;
        self.stack(&side.stack, side.created_by.as_ref(), out)
    }

    fn stack(
        &self,
        stack: &[StackFrame],
        created: Option<&StackFrame>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let frame = |f: &StackFrame| {
            let place = format!("{}:{}", clean_line(&f.file), f.line);
            format!("{}  {}", clean_line(&f.function), self.paint(DIM, &place))
        };
        for f in stack.iter().take(FRAMES) {
            writeln!(out, "      {}", frame(f))?;
        }
        if stack.len() > FRAMES {
            writeln!(out, "      … {} more", stack.len() - FRAMES)?;
        }
        if let Some(created) = created {
            writeln!(out, "      started by {}", frame(created))?;
        }
        Ok(())
    }

    fn paint(&self, color: Ansi, text: &str) -> String {
        if self.style.color {
            format!("{}{text}{}", color.render(), color.render_reset())
        } else {
            text.to_owned()
        }
    }
}

fn place(side: &Side) -> (&str, u32, u32) {
    (&side.file, side.line, side.column)
}
