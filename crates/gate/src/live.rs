//! The run while it runs: a small picture at the bottom of the terminal, or a line for each step.

use std::collections::VecDeque;
use std::io::{Stderr, Write as _, stderr};
use std::time::Duration;

use ratatui::backend::CrosstermBackend;
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Style};
use ratatui::widgets::{Gauge, Paragraph, Sparkline};
use ratatui::{Frame, Terminal, TerminalOptions, Viewport};

use crate::check::Status;
use crate::load::Progress;
use crate::run::Event;
use crate::units::{shown, shown_ns};

/// Lines of the picture.
const HEIGHT: u16 = 5;
/// Points of the picture's curve.
const POINTS: usize = 200;

/// Shows events on standard error.
pub struct Live {
    terminal: Option<Terminal<CrosstermBackend<Stderr>>>,
    phase: String,
    progress: Progress,
    length: Duration,
    rates: VecDeque<u64>,
    passed: u32,
    others: u32,
}

impl Live {
    /// `picture`: standard error is a terminal that can show one.
    pub fn new(picture: bool) -> Self {
        let options = TerminalOptions { viewport: Viewport::Inline(HEIGHT) };
        let terminal = picture
            .then(|| Terminal::with_options(CrosstermBackend::new(stderr()), options).ok())
            .flatten();
        Self {
            terminal,
            phase: String::new(),
            progress: Progress::default(),
            length: Duration::ZERO,
            rates: VecDeque::new(),
            passed: 0,
            others: 0,
        }
    }

    /// Takes an event.
    pub fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Phase(phase) => {
                self.phase = diag::clean_line(phase).into_owned();
                self.say(&self.phase.clone());
            }
            Event::Load(progress, length) => {
                let answered = |p: &Progress| p.good + p.bad;
                let grown = answered(progress).saturating_sub(answered(&self.progress));
                let time = progress.elapsed.saturating_sub(self.progress.elapsed).as_secs_f64();
                if time > 0.0 {
                    self.rates.push_back((grown as f64 / time) as u64);
                }
                if self.rates.len() > POINTS {
                    self.rates.pop_front();
                }
                self.progress = *progress;
                self.length = *length;
            }
            Event::Check(check) => {
                if check.status == Status::Pass {
                    self.passed += 1;
                } else {
                    self.others += 1;
                }
            }
            Event::Again(why) => {
                self.say(&format!("again, since the machine is noisy: {}", diag::clean_line(why)));
            }
        }
        self.draw();
    }

    fn say(&mut self, text: &str) {
        if self.terminal.is_none() {
            let _ = writeln!(stderr(), "gate: {text}");
        }
    }

    fn draw(&mut self) {
        let Some(mut terminal) = self.terminal.take() else { return };
        let drawn = terminal.draw(|frame| self.picture(frame)).is_ok();
        // A terminal that has gone away is not drawn to again.
        self.terminal = drawn.then_some(terminal);
    }

    fn picture(&self, frame: &mut Frame<'_>) {
        let rows = Layout::vertical([
            Constraint::Length(1),
            Constraint::Length(1),
            Constraint::Length(1),
            Constraint::Min(1),
        ])
        .split(frame.area());
        let head =
            format!("gate  {}   checks passed {}, others {}", self.phase, self.passed, self.others);
        frame.render_widget(Paragraph::new(head), rows[0]);
        let share = self.progress.elapsed.as_secs_f64() / self.length.as_secs_f64().max(0.001);
        let label = format!("{} of {}", shown(self.progress.elapsed), shown(self.length));
        let gauge = Gauge::default()
            .gauge_style(Style::default().fg(Color::Cyan))
            .label(label)
            .ratio(share.clamp(0.0, 1.0));
        frame.render_widget(gauge, rows[1]);
        let figures = format!(
            "{} requests/s   p50 {}   p99 {}   in flight {}   failed {}",
            self.rates.back().unwrap_or(&0),
            shown_ns(self.progress.p50),
            shown_ns(self.progress.p99),
            self.progress.in_flight,
            self.progress.bad
        );
        frame.render_widget(Paragraph::new(figures), rows[2]);
        let rates: Vec<u64> = self.rates.iter().copied().collect();
        let from = rates.len().saturating_sub(usize::from(rows[3].width));
        let spark =
            Sparkline::default().data(&rates[from..]).style(Style::default().fg(Color::Green));
        frame.render_widget(spark, rows[3]);
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if let Some(terminal) = &mut self.terminal {
            let _ = terminal.clear();
        }
    }
}
