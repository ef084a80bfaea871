//! The file: never half written, readable for nobody else, links not followed.
//!
//! In: a folder. Out: a [`Draft`] beside the file of before, which takes its place only when it is whole on disk.

use super::read::{Ignored, Loaded, read};
use super::{Encoder, UnixMillis};
use crate::model::ClusterId;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Error};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

const NAME: &str = "snapshot";
const DRAFT: &str = "snapshot.new";
/// Octets gathered for one write or read.
const BUFFER: usize = 256 << 10;

/// Reads the snapshot in a folder, see [`read`].
///
/// # Errors
/// Why it is ignored whole.
pub fn load(
    folder: &Path,
    wanted: impl Fn(&ClusterId) -> bool,
    now: UnixMillis,
    most: Option<Duration>,
) -> Result<Loaded, Ignored> {
    refuse_link(folder)?;
    // Without O_NONBLOCK a pipe in its place would stop the start.
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(folder.join(NAME))?;
    if !file.metadata()?.is_file() {
        return Err(Ignored::NoSnapshot);
    }
    read(BufReader::with_capacity(BUFFER, file), wanted, now, most)
}

/// A snapshot that is being written. Dropped before [`Draft::finish`], it leaves nothing behind.
pub struct Draft {
    encoder: Option<Encoder<BufWriter<File>>>,
    folder: PathBuf,
}

impl Draft {
    /// Begins one; makes the folder if it is missing.
    ///
    /// # Errors
    /// The folder cannot be made or written to, or is a link.
    pub fn create(folder: &Path, written: UnixMillis, serials: &[(String, u32)]) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        refuse_link(folder)?;
        let path = folder.join(DRAFT);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            // Left by a process that was killed.
            _ => {}
        }
        // A new file: what another put in its place meanwhile, a link too, is an error.
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        let mut draft = Draft { encoder: None, folder: folder.to_owned() };
        draft.encoder = Some(Encoder::new(BufWriter::with_capacity(BUFFER, file), written, serials)?);
        Ok(draft)
    }

    /// Where sections go.
    pub fn encoder(&mut self) -> &mut Encoder<BufWriter<File>> {
        self.encoder.as_mut().expect("taken by `finish` alone, which ends the draft")
    }

    /// Brings it to the disk and puts it in the place of the one before; returns its octets.
    ///
    /// # Errors
    /// Of the disk; the one before is still there.
    pub fn finish(mut self) -> io::Result<u64> {
        let encoder = self.encoder.take().expect("taken here alone, which ends the draft");
        let (out, octets) = encoder.finish()?;
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.set_len(octets)?;
        file.sync_all()?;
        std::fs::rename(self.folder.join(DRAFT), self.folder.join(NAME))?;
        File::open(&self.folder)?.sync_all()?;
        Ok(octets)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // After a finish there is none.
        let _ = std::fs::remove_file(self.folder.join(DRAFT));
    }
}

fn refuse_link(folder: &Path) -> io::Result<()> {
    match std::fs::symlink_metadata(folder)?.is_symlink() {
        true => Err(Error::other("the folder is a symbolic link, which is not followed; name the folder itself")),
        false => Ok(()),
    }
}
