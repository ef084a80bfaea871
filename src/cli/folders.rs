//! `--manifests DIR`: one cluster per sub-folder.
//!
//! In: the folder. Out: names and paths, or what is wrong with them.

use crate::config::diagnostic::{CONFIG, Diagnostic, Severity, UNREADABLE};
use crate::config::name_problem;
use crate::model::finding::Place;
use std::path::{Path, PathBuf};

/// The clusters below `folder`, sorted by name. Hidden sub-folders and files are skipped.
///
/// # Errors
/// It cannot be read, a sub-folder's name is no cluster id, or there is no sub-folder.
pub fn clusters(folder: &Path) -> Result<Vec<(String, PathBuf)>, Vec<Diagnostic>> {
    let mut found = Vec::new();
    let mut errors = Vec::new();
    for path in sub_folders(folder).map_err(|error| vec![unreadable(folder, &error)])? {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        match name_problem(&name) {
            None => found.push((name, path)),
            Some(problem) => {
                let message = format!("the folder is not read: {problem}, as folders are named after their clusters");
                errors.push(error_at(CONFIG, &path, message));
            }
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    if found.is_empty() {
        let message =
            "there is no sub-folder; put the files of each cluster into a folder named after it, such as west/";
        return Err(vec![error_at(CONFIG, folder, message.to_owned())]);
    }
    found.sort();
    Ok(found)
}

fn sub_folders(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        // Links are followed, as Kubernetes mounts are links.
        if !hidden && entry.path().is_dir() {
            folders.push(entry.path());
        }
    }
    folders.sort();
    Ok(folders)
}

fn unreadable(folder: &Path, error: &std::io::Error) -> Diagnostic {
    error_at(UNREADABLE, folder, format!("the folder cannot be read: {error}; check --manifests"))
}

fn error_at(code: &'static str, path: &Path, message: String) -> Diagnostic {
    let place = Place { path: path.display().to_string().into(), line: 0, column: 0 };
    Diagnostic::new(Severity::Error, code, message).at(place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn said(folder: &Path) -> Vec<String> {
        let shown = folder.display().to_string();
        let errors = clusters(folder).unwrap_err();
        errors.iter().map(|error| error.to_string().replace(&shown, "DIR")).collect()
    }

    #[test]
    fn each_sub_folder_is_a_cluster() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["west", "east.prod", ".git", "..data"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        fs::write(folder.path().join("README.md"), "").unwrap();
        std::os::unix::fs::symlink(folder.path().join("west"), folder.path().join("linked")).unwrap();
        let names: Vec<_> = clusters(folder.path()).unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["east.prod", "linked", "west"]);
    }

    #[test]
    fn a_folder_that_is_no_cluster_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(
            said(folder.path()),
            [
                "error[config]: DIR: there is no sub-folder; put the files of each cluster into a folder named after it, such as west/",
            ]
        );
        for name in ["a.b.c", "West", "ok"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let said = said(folder.path());
        assert_eq!(said.len(), 2);
        assert!(
            said[0].starts_with("error[config]: DIR/West: the folder is not read: the name has capital letters"),
            "{}",
            said[0]
        );
        assert!(
            said[1].starts_with("error[config]: DIR/a.b.c: the folder is not read: the name has 3 labels"),
            "{}",
            said[1]
        );
    }

    #[test]
    fn a_folder_that_is_not_there_could_not_be_checked() {
        let folder = tempfile::tempdir().unwrap();
        let errors = clusters(&folder.path().join("gone")).unwrap_err();
        assert_eq!(errors[0].code, UNREADABLE);
        assert!(errors[0].message.starts_with("the folder cannot be read: No such file"));
    }
}
