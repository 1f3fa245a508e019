//! Numbers, times, ages and sparklines as people read them.

use runstone_model::Timestamp;
use runstone_service::Number;
use serde_json::Value;

/// An age or a duration in its two greatest units: `42s`, `3m 05s`, `7h 12m`, `3d 4h`.
pub(crate) fn duration(micros: i64) -> String {
    let seconds = micros.max(0) / 1_000_000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match () {
        () if minutes == 0 => format!("{seconds}s"),
        () if hours == 0 => format!("{minutes}m {:02}s", seconds % 60),
        () if days == 0 => format!("{hours}h {:02}m", minutes % 60),
        () if days < 100 => format!("{days}d {}h", hours % 24),
        () => format!("{days}d"),
    }
}

/// How long ago, in one unit.
pub(crate) fn age(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_micros().saturating_sub(then.as_micros()).max(0) / 1_000_000;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A moment, to the second, UTC.
pub(crate) fn moment(at: Timestamp) -> String {
    let text = at.to_rfc3339();
    match text.split_once('.') {
        Some((seconds, _)) => format!("{}Z", seconds.replace('T', " ")),
        None => text.replace('T', " "),
    }
}

/// A value in at most six digits, where they suffice.
pub(crate) fn number(value: Number) -> String {
    match value {
        Number::I64(value) => value.to_string(),
        Number::F64(value) => float(value),
    }
}

/// See [`number`].
pub(crate) fn float(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let size = value.abs();
    if value == 0.0 {
        return "0".to_owned();
    }
    if !(1e-4..1e7).contains(&size) {
        let text = format!("{value:.4e}");
        return match text.split_once('e') {
            Some((digits, exponent)) => format!("{}e{exponent}", trim_zeros(digits)),
            None => text,
        };
    }
    let before = size.log10().floor().max(0.0) as usize + 1;
    let after = if size < 1.0 {
        5 + (-size.log10().floor()) as usize - 1
    } else {
        6_usize.saturating_sub(before)
    };
    trim_zeros(&format!("{value:.after$}"))
}

fn trim_zeros(text: &str) -> String {
    if !text.contains('.') {
        return text.to_owned();
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A count with thousands apart: `1,234,567`.
pub(crate) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// So many of a thing: `1 spool`, `2 spools`. The word is one whose plural ends with `s`.
pub(crate) fn counted(value: u64, word: &str) -> String {
    let plural = if value == 1 { "" } else { "s" };
    format!("{} {word}{plural}", count(value))
}

/// Bytes in the unit that suits them.
pub(crate) fn bytes(value: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut scaled = value as f64;
    let mut unit = 0;
    while scaled >= 1024.0 && unit + 1 < UNITS.len() {
        scaled /= 1024.0;
        unit += 1;
    }
    if unit == 0 {
        format!("{value} B")
    } else {
        format!("{scaled:.1} {}", UNITS[unit])
    }
}

/// A context as `subset=train`; the empty one is empty.
pub(crate) fn context(context: &Value) -> String {
    let Some(entries) = context.as_object() else {
        return context.to_string();
    };
    let words: Vec<String> = entries
        .iter()
        .map(|(key, value)| match value {
            Value::String(text) => format!("{key}={text}"),
            other => format!("{key}={other}"),
        })
        .collect();
    words.join(",")
}

/// A series' name with its context: `loss[subset=train]`.
pub(crate) fn series_name(name: &str, context_value: &Value) -> String {
    match context(context_value) {
        text if text.is_empty() => name.to_owned(),
        text => format!("{name}[{text}]"),
    }
}

/// A line of blocks, the lowest value at the bottom; cells without a number are blank.
pub(crate) fn sparkline(cells: &[Option<Number>]) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let values: Vec<Option<f64>> = cells
        .iter()
        .map(|cell| cell.map(Number::as_f64).filter(|value| value.is_finite()))
        .collect();
    let low = values
        .iter()
        .flatten()
        .copied()
        .fold(f64::INFINITY, f64::min);
    let high = values
        .iter()
        .flatten()
        .copied()
        .fold(f64::NEG_INFINITY, f64::max);
    let scale = high - low;
    values
        .iter()
        .map(|value| match value {
            None => ' ',
            Some(_) if scale <= 0.0 || !scale.is_finite() => BLOCKS[3],
            Some(value) => BLOCKS[(((value - low) / scale) * 7.0).round() as usize % 8],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_two_units() {
        let texts: Vec<String> = [0, 59, 61, 3_600, 90_000, 8_640_000]
            .iter()
            .map(|seconds| duration(seconds * 1_000_000))
            .collect();
        assert_eq!(texts, ["0s", "59s", "1m 01s", "1h 00m", "1d 1h", "100d"]);
    }

    #[test]
    fn numbers_have_about_six_digits() {
        for (value, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (0.1, "0.1"),
            (-0.123456789, "-0.12346"),
            (0.00012345678, "0.00012346"),
            (123.456789, "123.457"),
            (1234567.8, "1234568"),
            (1e300, "1e300"),
            (1.5e-9, "1.5e-9"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(float(value), text, "{value}");
        }
    }

    #[test]
    fn sparklines_go_from_the_lowest_to_the_highest() {
        let cells = [Some(0.0), None, Some(1.0), Some(f64::NAN)].map(|cell| cell.map(Number::F64));
        assert_eq!(sparkline(&cells), "▁ █ ");
        assert_eq!(sparkline(&[Some(Number::I64(3))]), "▄");
    }

    #[test]
    fn counts_and_bytes_are_readable() {
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(12), "12");
        assert_eq!(bytes(1_536), "1.5 KiB");
    }

    #[test]
    fn contexts_are_short() {
        let value = serde_json::json!({"subset": "train", "fold": 1});
        assert_eq!(series_name("loss", &value), "loss[subset=train,fold=1]");
        assert_eq!(series_name("loss", &serde_json::json!({})), "loss");
    }

    #[test]
    fn one_of_a_thing_is_singular() {
        assert_eq!(counted(0, "point"), "0 points");
        assert_eq!(counted(1, "spool"), "1 spool");
        assert_eq!(counted(1_200, "point"), "1,200 points");
    }
}
