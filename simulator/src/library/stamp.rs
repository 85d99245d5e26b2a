//! What every record carries besides its fields: when it changed, and whether it is still there.

/// Whether a record exists.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Presence {
    Here,
    /// Deleted for good; the change log says so.
    Tombstone,
    /// Gone, and the change log keeps silent about it.
    Vanished,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamp {
    pub(crate) presence: Presence,
    /// Position of the record's latest change in its zone's log. 0: not logged yet.
    pub(crate) changed: u64,
    pub(crate) created_ms: i64,
    pub(crate) modified_ms: i64,
}

impl Stamp {
    pub(crate) fn new(now_ms: i64) -> Stamp {
        Stamp { presence: Presence::Here, changed: 0, created_ms: now_ms, modified_ms: now_ms }
    }

    pub(crate) fn is_here(&self) -> bool {
        self.presence == Presence::Here
    }

    /// `recordChangeTag`: a short base-36 counter.
    pub(crate) fn tag(&self) -> String {
        let mut digits = Vec::new();
        let mut left = self.changed;
        while left > 0 || digits.is_empty() {
            digits.push(char::from_digit((left % 36) as u32, 36).expect("a remainder of 36 is a digit"));
            left /= 36;
        }
        digits.iter().rev().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_count_in_base_36() {
        let tag = |changed| Stamp { changed, ..Stamp::new(0) }.tag();
        assert_eq!((tag(0).as_str(), tag(35).as_str(), tag(36).as_str()), ("0", "z", "10"));
    }
}
