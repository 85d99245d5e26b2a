use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::AccountError;
use super::session::Session;

/// How long a sign-in waits for one in another process. Each of its calls has a deadline of 60 s, so it may wait in vain.
const LOCK_DEADLINE: Duration = Duration::from_secs(60);

/// Where a session is kept: `session.json`, for the owner alone, replaced whole.
#[derive(Clone, Debug)]
pub struct SessionFile {
    folder: PathBuf,
}

/// Held while a session is changed, so that two processes do not sign in at once.
pub struct SessionLock {
    _file: File,
}

impl SessionFile {
    pub fn new(folder: &Path) -> SessionFile {
        SessionFile { folder: folder.to_owned() }
    }

    fn path(&self) -> PathBuf {
        self.folder.join("session.json")
    }

    /// What is kept; none if nothing is.
    pub fn load(&self) -> Result<Option<Session>, AccountError> {
        let path = self.path();
        match std::fs::read(&path) {
            // The error's place, not its text: that could quote a token.
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|e| AccountError::Store {
                reason: format!("not a session (line {}, column {})", e.line(), e.column()),
                path,
            }),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(store_error(&path, e)),
        }
    }

    pub fn save(&self, session: &Session) -> Result<(), AccountError> {
        create_private_folder(&self.folder)?;
        let path = self.path();
        let bytes = secrecy::zeroize::Zeroizing::new(serde_json::to_vec_pretty(session).expect("a session is JSON"));
        self.replace(&path, &bytes).map_err(|e| store_error(&path, e))
    }

    /// Temporary file (0600 by its maker), fsync, rename, fsync of the folder.
    fn replace(&self, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(".session-").tempfile_in(&self.folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        File::open(&self.folder)?.sync_all()
    }

    pub fn remove(&self) -> Result<(), AccountError> {
        match std::fs::remove_file(self.path()) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(store_error(&self.path(), e)),
            _ => Ok(()),
        }
    }

    /// Takes its turn if it can be had at once.
    pub fn try_lock(&self) -> Result<Option<SessionLock>, AccountError> {
        let file = open_lock(&self.folder, "session.lock")?;
        Ok(try_lock(&file, &self.folder)?.then_some(SessionLock { _file: file }))
    }

    /// Waits for its turn.
    pub async fn lock(&self) -> Result<SessionLock, AccountError> {
        let file = open_lock(&self.folder, "session.lock")?;
        let deadline = Instant::now() + LOCK_DEADLINE;
        while !try_lock(&file, &self.folder)? {
            if Instant::now() >= deadline {
                return Err(AccountError::SignInRunning);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(SessionLock { _file: file })
    }
}

/// A file to lock, in a folder that only its owner can read.
pub fn open_lock(folder: &Path, name: &str) -> Result<File, AccountError> {
    create_private_folder(folder)?;
    let path = folder.join(name);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options.open(&path).map_err(|e| store_error(&path, e))
}

/// Whether the lock is ours now; it ends with the file, or the process.
pub fn try_lock(file: &File, path: &Path) -> Result<bool, AccountError> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(e)) => Err(store_error(path, e)),
    }
}

fn create_private_folder(folder: &Path) -> Result<(), AccountError> {
    let create = || {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let permissions = folder.metadata()?.permissions();
        match permissions.mode() & 0o077 {
            0 => Ok(()),
            _ => std::fs::set_permissions(folder, PermissionsExt::from_mode(0o700)),
        }
    };
    create().map_err(|e: std::io::Error| store_error(folder, e))
}

fn store_error(path: &Path, error: std::io::Error) -> AccountError {
    AccountError::Store { path: path.to_owned(), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::super::secret::Secret;
    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn a_session_comes_back_and_is_private() {
        let state = tempfile::tempdir().unwrap();
        let file = SessionFile::new(&state.path().join("photosfs/jane@example.com"));
        assert!(file.load().unwrap().is_none());
        let mut session = Session::new(Url::parse("https://setup.icloud.com/setup/ws/1").unwrap());
        session.token = Some(Secret::new("s3cret"));
        file.save(&session).unwrap();
        let loaded = file.load().unwrap().unwrap();
        assert_eq!((loaded.client_id, loaded.token.unwrap().expose()), (session.client_id, "s3cret"));
        assert_eq!((mode(&file.path()), mode(&file.folder)), (0o600, 0o700));
        file.remove().unwrap();
        assert!(file.load().unwrap().is_none());
    }

    #[test]
    fn a_damaged_file_is_an_error_and_not_quoted() {
        let state = tempfile::tempdir().unwrap();
        let file = SessionFile::new(state.path());
        std::fs::write(file.path(), r#"{"token": "s3cret", "#).unwrap();
        let error = file.load().unwrap_err();
        assert!(matches!(&error, AccountError::Store { .. }), "{error:?}");
        assert!(!format!("{error:?} {error}").contains("s3cret"));
    }

    #[tokio::test]
    async fn one_at_a_time() {
        let state = tempfile::tempdir().unwrap();
        let file = SessionFile::new(state.path());
        let lock = file.lock().await.unwrap();
        assert!(file.try_lock().unwrap().is_none());
        let waits = tokio::time::timeout(Duration::from_millis(300), file.lock()).await;
        assert!(waits.is_err());
        drop(lock);
        file.lock().await.unwrap();
    }
}
