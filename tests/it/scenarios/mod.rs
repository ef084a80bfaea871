//! `tests/scenarios/<name>/`: a clusterset as folders of manifests, questions, and the replies that are due.
//!
//! A folder holds `clusters/<cluster>/*.yaml`, `questions.txt` (its form is in `questions.rs`) and, where defaults do not do, `config.yaml`;
//! `findings.txt` lists the findings and conflicts of the load where they are the point (`findings.rs`).
//! Each is loaded as `serve --manifests clusters` loads it (as `serve --config config.yaml` where that names sources itself)
//! and asked of the responder that every transport uses.

mod asking;
mod findings;
mod listed;
mod query;
mod questions;
#[cfg(feature = "kubernetes")]
mod versions;

use clusterset_dns::cli::{SettingsArgs, settings};
use clusterset_dns::config::Config;
use clusterset_dns::run::offline::{self, Loaded};
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
    let (config, loaded) = load(&root.join("examples/two-clusters"), None).expect("the example loads");
    let wrong = ask_all(&config, &loaded, &questions);
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

fn failures(folder: &Path) -> Vec<String> {
    let questions = questions::read(&folder.join("questions.txt"));
    let config = Some(folder.join("config.yaml")).filter(|path| path.is_file());
    let (config, loaded) = match load(&folder.join("clusters"), config) {
        Ok(loaded) => loaded,
        Err(errors) => return vec![errors],
    };
    let mut wrong = ask_all(&config, &loaded, &questions);
    wrong.extend(findings::difference(&folder.join("findings.txt"), &config, &loaded));
    wrong
}

/// Loads folders of manifests. A configuration that names sources itself is taken as it is.
fn load(clusters: &Path, config: Option<PathBuf>) -> Result<(Config, Loaded), String> {
    let text = config.as_ref().map(|path| std::fs::read_to_string(path).expect("config.yaml")).unwrap_or_default();
    let manifests = (!text.contains("source:")).then(|| clusters.to_owned());
    let args = SettingsArgs { config, manifests, local_cluster: None };
    let settings = settings(&args).map_err(|errors| {
        let errors: Vec<String> = errors.iter().map(|error| error.render(false)).collect();
        format!("{}: {}", clusters.display(), errors.join("\n"))
    })?;
    let loaded = offline::load(&settings.config).map_err(|error| format!("{}: {error}", clusters.display()))?;
    Ok((settings.config, loaded))
}

fn ask_all(config: &Config, loaded: &Loaded, questions: &[Question]) -> Vec<String> {
    let view = |name: &str| config.views().iter().position(|view| &*view.name == name);
    questions.iter().filter_map(|question| asking::difference(&loaded.table, question, &view)).collect()
}
