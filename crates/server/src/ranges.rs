//! Ranges and conditions of a download (RFC 9110): one range of bytes, `If-Range`, `If-None-Match`.
//!
//! Of several ranges, and of units that are not bytes, nothing is known here: the whole is answered, as
//! the RFC permits.

use axum::http::{HeaderMap, header};
use std::ops::Range;

/// What of the bytes is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// All of them.
    Whole,
    /// These; not empty.
    Part(Range<u64>),
    /// None that are there.
    Outside,
}

/// The range that is asked of `bytes` bytes whose tag is `tag`.
pub(crate) fn asked_range(headers: &HeaderMap, bytes: u64, tag: &str) -> Asked {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &axum::http::HeaderValue| value.to_str().ok())
    };
    // A reader that has a part of other bytes wants all of these.
    if text(header::IF_RANGE).is_some_and(|asked| asked.trim() != tag) {
        return Asked::Whole;
    }
    let range = text(header::RANGE).and_then(|text| text.trim().strip_prefix("bytes="));
    match range.and_then(|range| range.split_once('-')) {
        Some((first, last)) => part(first.trim(), last.trim(), bytes),
        None => Asked::Whole,
    }
}

fn part(first: &str, last: &str, bytes: u64) -> Asked {
    let number = |text: &str| text.parse::<u64>().ok();
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(first) || !digits(last) {
        return Asked::Whole;
    }
    let range = match (first, last) {
        ("", "") => return Asked::Whole,
        ("", length) => {
            let length = number(length).unwrap_or(u64::MAX).min(bytes);
            bytes - length..bytes
        }
        (first, "") => number(first).unwrap_or(u64::MAX)..bytes,
        (first, last) => {
            let (first, last) = (
                number(first).unwrap_or(u64::MAX),
                number(last).unwrap_or(u64::MAX),
            );
            if last < first {
                return Asked::Whole;
            }
            first..last.saturating_add(1).min(bytes)
        }
    };
    if range.start >= range.end {
        return Asked::Outside;
    }
    Asked::Part(range)
}

/// Whether the reader has these bytes already.
pub(crate) fn is_unchanged(headers: &HeaderMap, tag: &str) -> bool {
    let mut tags = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|one| one.trim());
    tags.any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(range: &str, bytes: u64) -> Asked {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, range.parse().unwrap());
        asked_range(&headers, bytes, "\"t\"")
    }

    #[test]
    fn a_range_is_cut_to_what_is_there() {
        assert_eq!(asked("bytes=0-0", 10), Asked::Part(0..1));
        assert_eq!(asked("bytes=3-", 10), Asked::Part(3..10));
        assert_eq!(asked("bytes=-3", 10), Asked::Part(7..10));
        assert_eq!(asked("bytes=-30", 10), Asked::Part(0..10));
        assert_eq!(
            asked("bytes=3-99999999999999999999999", 10),
            Asked::Part(3..10)
        );
        assert_eq!(asked("bytes=10-", 10), Asked::Outside);
        assert_eq!(asked("bytes=-0", 10), Asked::Outside);
        assert_eq!(asked("bytes=0-", 0), Asked::Outside);
        for other in [
            "bytes=5-3",
            "bytes=0-1,3-4",
            "lines=0-1",
            "bytes=a-b",
            "bytes=-",
            "bytes=+1-2",
        ] {
            assert_eq!(asked(other, 10), Asked::Whole, "{other}");
        }
    }

    #[test]
    fn a_part_of_other_bytes_is_answered_with_the_whole() {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, "bytes=1-2".parse().unwrap());
        headers.insert(header::IF_RANGE, "\"other\"".parse().unwrap());
        assert_eq!(asked_range(&headers, 10, "\"t\""), Asked::Whole);
        headers.insert(header::IF_RANGE, "\"t\"".parse().unwrap());
        assert_eq!(asked_range(&headers, 10, "\"t\""), Asked::Part(1..3));
        headers.insert(header::IF_NONE_MATCH, "\"a\", W/\"t\"".parse().unwrap());
        assert!(is_unchanged(&headers, "\"t\"") && !is_unchanged(&headers, "\"b\""));
    }
}
