//! The Range header.

/// Which bytes are asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Asked {
    Whole,
    /// From `start` up to, not including, `end`.
    Part {
        start: u64,
        end: u64,
    },
    /// No byte of the file.
    Nothing,
}

/// Reads one range; anything else, such as several ranges, gets the whole file as HTTP allows.
pub(super) fn read(header: Option<&str>, size: u64) -> Asked {
    header.and_then(|header| header.strip_prefix("bytes=")).and_then(|spec| part(spec, size)).unwrap_or(Asked::Whole)
}

fn part(spec: &str, size: u64) -> Option<Asked> {
    let (first, last) = spec.split_once('-')?;
    let (start, end) = match (first, last) {
        ("", suffix) => (size.saturating_sub(suffix.parse().ok()?), size),
        (first, "") => (first.parse().ok()?, size),
        (first, last) => {
            let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
            (first, if last < first { return None } else { last.saturating_add(1).min(size) })
        }
    };
    Some(if start < end { Asked::Part { start, end } } else { Asked::Nothing })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_http_means_them() {
        let part = |start, end| Asked::Part { start, end };
        for (header, asked) in [
            (None, Asked::Whole),
            (Some("bytes=0-"), part(0, 100)),
            (Some("bytes=0-0"), part(0, 1)),
            (Some("bytes=90-200"), part(90, 100)),
            (Some("bytes=-10"), part(90, 100)),
            (Some("bytes=100-"), Asked::Nothing),
            (Some("bytes=9-3"), Asked::Whole),
            (Some("bytes=1-2,5-6"), Asked::Whole),
            (Some("lines=1-2"), Asked::Whole),
        ] {
            assert_eq!(read(header, 100), asked, "{header:?}");
        }
    }
}
