//! `tests/scenarios/<name>/`: a clusterset as folders of manifests, questions, and the replies that are due.
//!
//! A folder holds `clusters/<cluster>/*.yaml`, `questions.txt` (its form is in `questions.rs`) and, where defaults do not do, `config.yaml`.
//! Each is loaded as `serve --manifests` loads it and asked of the responder that every transport uses.

mod asking;
mod questions;

use clusterset_dns::cli::{SettingsArgs, settings};
use clusterset_dns::run::offline;
use questions::Question;
use std::path::{Path, PathBuf};

#[test]
fn every_scenario_answers_as_its_questions_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(&root).expect("tests/scenarios").flatten().map(|entry| entry.path()).collect();
    folders.retain(|folder| folder.is_dir());
    folders.sort();
    assert!(!folders.is_empty());
    let wrong: Vec<String> = folders.iter().flat_map(|folder| failures(folder)).collect();
    assert!(wrong.is_empty(), "{} wrong:\n\n{}", wrong.len(), wrong.join("\n\n"));
}

/// The README's first minute: what `examples/two-clusters` answers.
#[test]
fn the_example_answers_as_the_readme_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let questions = questions::read(&root.join("tests/it/scenarios/two-clusters.txt"));
    let wrong = ask_all(&root.join("examples/two-clusters"), None, &questions);
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

fn failures(folder: &Path) -> Vec<String> {
    let questions = questions::read(&folder.join("questions.txt"));
    let config = Some(folder.join("config.yaml")).filter(|path| path.is_file());
    ask_all(&folder.join("clusters"), config, &questions)
}

fn ask_all(clusters: &Path, config: Option<PathBuf>, questions: &[Question]) -> Vec<String> {
    let args = SettingsArgs { config, manifests: Some(clusters.to_owned()), local_cluster: None };
    let settings = match settings(&args) {
        Ok(settings) => settings,
        Err(errors) => {
            let errors: Vec<String> = errors.iter().map(|error| error.render(false)).collect();
            return vec![format!("{}: {}", clusters.display(), errors.join("\n"))];
        }
    };
    let loaded = offline::load(&settings.config).unwrap_or_else(|error| panic!("{}: {error}", clusters.display()));
    let view = |name: &str| settings.config.views().iter().position(|view| &*view.name == name);
    questions.iter().filter_map(|question| asking::difference(&loaded.table, question, &view)).collect()
}
