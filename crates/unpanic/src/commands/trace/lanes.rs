//! A picture of a window for the terminal: a lane of characters for each goroutine and processor.

use timeline::{GoSlice, State};

/// What is drawn of each state.
pub const SIGNS: [char; 4] = ['█', '▒', '·', 's'];

/// A lane of `width` characters. Each shows the state that took most of its share of time; a share in
/// which a goroutine ran at all is never drawn as waiting.
pub fn lane(slices: &[GoSlice], from: i64, to: i64, width: usize) -> String {
    let mut shares = vec![[0i64; 4]; width];
    let span = (to - from).max(1) as f64;
    for slice in slices {
        let at = |time: i64| (time - from) as f64 / span * width as f64;
        let (start, end) = (at(slice.start).max(0.0), at(slice.end).min(width as f64));
        let (first, last) = (start as usize, (end.ceil() as usize).min(width));
        for (i, share) in shares.iter_mut().enumerate().take(last).skip(first) {
            let part = end.min((i + 1) as f64) - start.max(i as f64);
            // At least one: the shortest slice is seen.
            share[slice.state as usize] += (part * 1e6) as i64 + 1;
        }
    }
    let sign = |share: &[i64; 4]| {
        let total: i64 = share.iter().sum();
        if total == 0 {
            return ' ';
        }
        let [running, runnable, ..] = *share;
        if running > 0 && running * 8 >= total {
            return SIGNS[State::Running as usize];
        }
        if runnable > 0 && runnable * 8 >= total {
            return SIGNS[State::Runnable as usize];
        }
        let (state, _) = share.iter().enumerate().max_by_key(|(_, part)| **part).unwrap_or((0, &0));
        SIGNS[state]
    };
    shares.iter().map(sign).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use timeline::{NameId, StackId};

    #[test]
    fn states_are_where_they_were() {
        let slice = |state, start, end| GoSlice {
            goroutine: 1,
            function: NameId::NONE,
            state,
            start,
            end,
            reason: NameId::NONE,
            stack: StackId::NONE,
            proc: 0,
            by: -1,
            began_before: false,
            open: false,
            in_region: false,
        };
        let slices = [
            slice(State::Waiting, 100, 140),
            slice(State::Running, 140, 160),
            slice(State::Runnable, 160, 180),
        ];
        assert_eq!(lane(&slices, 100, 200, 10), "····██▒▒  ");
        assert_eq!(lane(&[], 0, 0, 3), "   ");
    }
}
