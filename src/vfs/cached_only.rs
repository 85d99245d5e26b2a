//! Programs that are given only what is in the cache: thumbnailers and indexers, which would fetch the whole library.

/// The kernel keeps so many bytes of a program's name.
const NAME: usize = 15;

/// Their names, as the kernel has them. None, unless a person names some.
#[derive(Debug, Default)]
pub struct CachedOnly(Vec<String>);

impl CachedOnly {
    pub fn new(names: &[String]) -> CachedOnly {
        CachedOnly(names.iter().map(|name| cut(name).to_owned()).collect())
    }

    /// Whether this process or thread is one of them. Without /proc none is.
    pub fn holds(&self, pid: u32) -> bool {
        let is_named = |pid: &str| {
            let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            self.0.iter().any(|own| own == name.trim_end())
        };
        // The kernel tells the thread that asks; the process is what people name.
        !self.0.is_empty() && (is_named(&pid.to_string()) || process_of(pid).is_some_and(|pid| is_named(&pid)))
    }
}

fn process_of(thread: u32) -> Option<String> {
    let status = std::fs::read_to_string(format!("/proc/{thread}/status")).ok()?;
    Some(status.lines().find_map(|line| line.strip_prefix("Tgid:"))?.trim().to_owned())
}

fn cut(name: &str) -> &str {
    let end = (0..=name.len().min(NAME)).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
    &name[..end]
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn programs_are_known_by_their_names() {
        let name = std::fs::read_to_string("/proc/self/comm").unwrap();
        let named = CachedOnly::new(&["tumblerd".into(), name.trim_end().into()]);
        let thread = nix::unistd::gettid().as_raw().cast_unsigned();
        assert_ne!(thread, std::process::id(), "a test runs in a thread of its own");
        for pid in [std::process::id(), thread] {
            assert!(named.holds(pid));
            assert!(!CachedOnly::new(&["tumblerd".into()]).holds(pid));
            assert!(!CachedOnly::default().holds(pid));
        }
        assert_eq!(cut("ffmpegthumbnailer"), "ffmpegthumbnail");
    }
}
