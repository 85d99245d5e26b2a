use std::fmt;

/// How far a sync is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Progress {
    #[default]
    Idle,
    /// The service prepares its own lists: per cent.
    Waiting {
        library: String,
        percent: i64,
    },
    /// Assets of a library are being read.
    Assets {
        library: String,
        seen: u64,
        announced: u64,
    },
    Albums {
        library: String,
        seen: u64,
        announced: u64,
    },
    /// What happened meanwhile is being replayed.
    Replay {
        library: String,
    },
    /// The tree is being laid out.
    Layout {
        library: String,
    },
}

impl Progress {
    /// Done and to do, while both are known.
    pub fn fraction(&self) -> Option<(u64, u64)> {
        match self {
            Progress::Assets { seen, announced, .. } | Progress::Albums { seen, announced, .. } => {
                Some((*seen, *announced))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Progress::Idle => f.write_str("idle"),
            Progress::Waiting { library, percent } => write!(f, "{library}: iCloud prepares its list ({percent} %)"),
            Progress::Assets { library, seen, announced } => write!(f, "{library}: {seen} of {announced} photos"),
            Progress::Albums { library, seen, announced } => write!(f, "{library}: {seen} of {announced} albums"),
            Progress::Replay { library } => write!(f, "{library}: what changed meanwhile"),
            Progress::Layout { library } => write!(f, "{library}: laying out folders"),
        }
    }
}
