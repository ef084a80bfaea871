//! Bearer tokens: fixed, read again from a file each minute and after a 401, or of a plugin that the configuration allows.

use super::exec::ExecToken;
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A token file is read again when the last reading is older.
const TOKEN_AGE: Duration = Duration::from_secs(60);

/// Longest kubeconfig, certificate, key or token that is read.
pub(super) const MAX_FILE: u64 = 1 << 20;

/// Where a bearer token comes from.
#[derive(Clone)]
pub enum TokenSource {
    Fixed(SecretString),
    File(Arc<TokenFile>),
    /// A credential plugin that the configuration allows.
    Exec(Arc<ExecToken>),
}

/// A token in a file, which may be rotated.
pub struct TokenFile {
    path: PathBuf,
    /// The file must lie below one of these, links followed.
    below: Vec<PathBuf>,
    /// The token and when it was read; `None`: to be read again before its next use.
    last: Mutex<Option<(SecretString, Option<Instant>)>>,
}

impl TokenSource {
    /// The `Authorization` header of a request.
    ///
    /// # Errors
    /// Names the file or plugin and why there is none; never the token.
    pub(super) async fn header(&self) -> Result<HeaderValue, String> {
        match self {
            TokenSource::Fixed(token) => bearer(token),
            TokenSource::File(file) => file.header(),
            TokenSource::Exec(plugin) => plugin.header().await,
        }
    }

    /// The server answered 401: a file is read again, a plugin runs again before the next request.
    pub(super) fn refused(&self) {
        match self {
            TokenSource::Fixed(_) => {}
            TokenSource::File(file) => file.forget(),
            TokenSource::Exec(plugin) => plugin.refused(),
        }
    }
}

impl TokenFile {
    /// Reads the file once, so that a missing one is found at the start.
    ///
    /// # Errors
    /// Names the file and why it cannot be read.
    pub fn new(path: PathBuf, below: Vec<PathBuf>) -> Result<Arc<Self>, String> {
        let file = TokenFile { path, below, last: Mutex::new(None) };
        file.header()?;
        Ok(Arc::new(file))
    }

    /// Where it lies.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn header(&self) -> Result<HeaderValue, String> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.as_ref().and_then(|(_, read)| *read).is_none_or(|read| read.elapsed() >= TOKEN_AGE) {
            match (self.read(), &mut *last) {
                (Ok(token), last) => *last = Some((token, Some(Instant::now()))),
                // A file that is gone for a moment while it is swapped: the last token serves until the server objects.
                (Err(_), Some((_, read))) => *read = Some(Instant::now()),
                (Err(reason), None) => return Err(reason),
            }
        }
        let (token, _) = last.as_ref().expect("set above");
        bearer(token)
    }

    fn read(&self) -> Result<SecretString, String> {
        let octets = read_below(&self.path, &self.below)?;
        let text = String::from_utf8(octets).map_err(|_| format!("token file {} is not text", self.path.display()))?;
        Ok(SecretString::from(text.trim()))
    }

    /// Makes the next header read the file; the token stays in case that fails.
    fn forget(&self) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, read)) = &mut *last {
            *read = None;
        }
    }
}

/// The `Authorization` header of a token, marked as sensitive.
///
/// # Errors
/// It holds characters that no header may hold.
pub(super) fn bearer(token: &SecretString) -> Result<HeaderValue, String> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()))
        .map_err(|_| "the bearer token holds characters that no header may hold".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

/// Reads a file of at most 1 MiB that lies, links followed, below one of the folders.
///
/// # Errors
/// Names the file and the reason, never its contents.
pub(super) fn read_below(path: &Path, folders: &[PathBuf]) -> Result<Vec<u8>, String> {
    let fail = |error: std::io::Error| format!("cannot read {}: {error}", path.display());
    let real = path.canonicalize().map_err(fail)?;
    let inside = |folder: &PathBuf| folder.canonicalize().is_ok_and(|folder| real.starts_with(folder));
    if !folders.iter().any(inside) {
        return Err(format!("{} leads outside the folders that are allowed", path.display()));
    }
    read_limited(&real)
}

/// Reads a regular file of at most 1 MiB.
///
/// # Errors
/// Names the file and the reason, never its contents.
pub(super) fn read_limited(path: &Path) -> Result<Vec<u8>, String> {
    let fail = |error: std::io::Error| format!("cannot read {}: {error}", path.display());
    let file = std::fs::File::open(path).map_err(fail)?;
    if !file.metadata().map_err(fail)?.is_file() {
        return Err(format!("{} is not a file", path.display()));
    }
    let mut octets = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut octets).map_err(fail)?;
    if octets.len() as u64 > MAX_FILE {
        return Err(format!("{} is larger than 1 MiB", path.display()));
    }
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(source: &TokenSource) -> String {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(source.header()).unwrap().to_str().unwrap().to_owned()
    }

    #[test]
    fn a_rotated_file_is_read_after_a_401_and_a_missing_one_keeps_the_last_token() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "one\n").unwrap();
        let source = TokenSource::File(TokenFile::new(path.clone(), vec![folder.path().to_owned()]).unwrap());
        assert_eq!(text(&source), "Bearer one");
        std::fs::write(&path, "two").unwrap();
        assert_eq!(text(&source), "Bearer one", "not read for each request");
        source.refused();
        assert_eq!(text(&source), "Bearer two");
        std::fs::remove_file(&path).unwrap();
        source.refused();
        assert_eq!(text(&source), "Bearer two");
    }

    #[test]
    fn links_out_of_the_folder_are_not_followed() {
        let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(elsewhere.path().join("token"), "secret").unwrap();
        let link = folder.path().join("token");
        std::os::unix::fs::symlink(elsewhere.path().join("token"), &link).unwrap();
        let error = TokenFile::new(link.clone(), vec![folder.path().to_owned()]).err().unwrap();
        assert!(error.contains("outside") && !error.contains("secret"), "{error}");
        assert!(TokenFile::new(link, vec![folder.path().into(), elsewhere.path().into()]).is_ok());
    }

    #[test]
    fn the_header_is_marked_sensitive() {
        let header = bearer(&"hush".into()).unwrap();
        assert!(header.is_sensitive() && !format!("{header:?}").contains("hush"));
    }
}
