//! A configuration that was read but not yet checked: the place where command-line flags override it.
//!
//! In: a file. Out: a [`Config`] and all diagnostics about it, sorted by place.

use super::diagnostic::{CONFIG, Diagnostic, Severity, UNREADABLE};
use super::reader::{Reader, Setting};
use super::tree::{Node, Position, Value};
use super::{Config, check};
use crate::model::finding::Place;
use std::path::Path;
use std::sync::Arc;

/// Longest file that is read.
const MAX_OCTETS: u64 = 16 << 20;
/// Deepest nesting of lists and maps that is read. Keys go down to 6; each level costs much stack in the parser.
const MAX_DEPTH: usize = 16;

/// What was read, with what is known of each value's place.
#[derive(Debug, Default)]
pub struct Draft {
    /// May be changed before [`Draft::check`].
    pub config: Config,
    pub(super) tree: Node,
    file: Option<Arc<str>>,
    text: String,
    diagnostics: Vec<Diagnostic>,
    replaced: Vec<&'static str>,
}

impl Draft {
    /// All defaults, from no file.
    pub fn new() -> Self {
        Draft::default()
    }

    /// Reads a file.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn load(path: &Path) -> Result<Self, Vec<Diagnostic>> {
        let file: Arc<str> = path.display().to_string().into();
        let unreadable = |problem: String| {
            let message = format!("{problem}; check --config and the permissions of the file");
            let place = Place { path: file.clone(), line: 0, column: 0 };
            vec![Diagnostic::new(Severity::Error, UNREADABLE, message).at(place)]
        };
        let size = std::fs::metadata(path).map_err(|error| unreadable(format!("cannot be read: {error}")))?.len();
        if size > MAX_OCTETS {
            return Err(unreadable(format!("has {size} octets, a configuration has at most {MAX_OCTETS}")));
        }
        let text = std::fs::read_to_string(path).map_err(|error| unreadable(format!("cannot be read: {error}")))?;
        Ok(Draft::parse(&text, &file))
    }

    /// Reads text; `file` is named in messages, and paths are relative to its folder.
    pub fn parse(text: &str, file: &str) -> Self {
        let mut draft = Draft { file: Some(file.into()), text: text.to_owned(), ..Draft::default() };
        let budget = serde_saphyr::budget! { max_depth: MAX_DEPTH, flow_nesting_limit: MAX_DEPTH };
        let options = serde_saphyr::options! { strict_booleans: true, budget: budget };
        match serde_saphyr::from_str_with_options(text, options) {
            Ok(tree) => draft.tree = tree,
            Err(error) => {
                draft.diagnostics.push(syntax_error(&error, file));
                return draft;
            }
        }
        if draft.tree.value != Value::Null {
            let mut reader = Reader::new(file);
            draft.config = Config::read(&draft.tree, &mut reader).unwrap_or_default();
            draft.diagnostics = reader.into_diagnostics();
        }
        draft
    }

    /// Notes that the value at `path` was replaced from outside the file, which then has no place for it.
    pub fn replaced(&mut self, path: &'static str) {
        // What was said of the file keeps the names that stand in the file.
        let mut said = std::mem::take(&mut self.diagnostics);
        for diagnostic in said.iter_mut().filter(|said| said.field.starts_with(path)) {
            diagnostic.cluster = self.cluster_of(&diagnostic.field).unwrap_or_default();
        }
        self.diagnostics = said;
        self.tree.remove(path);
        self.replaced.push(path);
    }

    /// Checks all that reading alone cannot see. The configuration is fit for use when no diagnostic is an error.
    pub fn check(mut self) -> (Config, Vec<Diagnostic>) {
        // When nothing of the file is known, further messages would mislead.
        let is_map = matches!(self.tree.value, Value::Map(_));
        if is_map || self.diagnostics.is_empty() {
            let found = check::check(&self);
            self.diagnostics.extend(found);
        }
        let mut diagnostics = std::mem::take(&mut self.diagnostics);
        for diagnostic in &mut diagnostics {
            self.complete(diagnostic);
        }
        diagnostics.sort_by_key(|diagnostic| match &diagnostic.place {
            Some(place) => (place.line, place.column),
            None => (u32::MAX, u32::MAX),
        });
        (self.config, diagnostics)
    }

    /// True when an item of a list that `field` goes through could not be read: the items behind it have moved up, so
    /// that their numbers are not those of the file.
    pub(super) fn misses_item_of(&self, field: &str) -> bool {
        let printed = self.config.print();
        let items = |tree: &Node, list: &str| tree.find(list).map(|node| node.items().len());
        let lists = field.match_indices('[').map(|(at, _)| &field[..at]);
        lists.into_iter().any(|list| items(&self.tree, list).is_some_and(|count| items(&printed, list) != Some(count)))
    }

    /// Where the value of `field` stands, else where the nearest section around it does.
    pub(super) fn place(&self, field: &str) -> Option<Place> {
        self.tree.position(field).and_then(|at| self.placed(field, at))
    }

    /// Where the key of `field` stands.
    pub(super) fn key_place(&self, field: &str) -> Option<Place> {
        self.tree.key_position(field).and_then(|at| self.placed(field, at))
    }

    fn placed(&self, field: &str, at: Position) -> Option<Place> {
        let path = self.file.clone()?;
        let replaced = self.replaced.iter().any(|path| field.starts_with(path));
        (at.line > 0 && !replaced).then_some(Place { path, line: at.line, column: at.column })
    }

    /// Adds the source line and the cluster of the entry that a diagnostic is about.
    fn complete(&self, diagnostic: &mut Diagnostic) {
        let line = diagnostic.place.as_ref().map_or(0, |place| place.line as usize);
        if line > 0 {
            diagnostic.source_line = self.text.lines().nth(line - 1).unwrap_or_default().to_owned();
        }
        let replaced = self.replaced.iter().any(|path| diagnostic.field.starts_with(path));
        if !replaced || diagnostic.place.is_none() {
            diagnostic.cluster = self.cluster_of(&diagnostic.field).unwrap_or_default();
        }
    }

    /// The name of the entry of `clusters` that `field` lies in.
    fn cluster_of(&self, field: &str) -> Option<String> {
        let (index, _) = field.strip_prefix("clusters[")?.split_once(']')?;
        let index: usize = index.parse().ok()?;
        match self.tree.find(&format!("clusters[{index}].name")).map(|node| &node.value) {
            Some(Value::Text(name)) => Some(name.clone()),
            Some(_) => None,
            None => self.config.clusters.get(index).map(|entry| entry.name.clone()),
        }
    }
}

/// What the YAML parser says, in the form of our messages.
fn syntax_error(error: &serde_saphyr::Error, file: &str) -> Diagnostic {
    let said = error.without_snippet().to_string();
    let said = said.split(" at line ").next().unwrap_or_default();
    let message = if said.contains("multiple YAML documents") {
        "a second document begins here, one is expected; remove `---` or split the file".to_owned()
    } else if let Some(rest) = said.strip_prefix("duplicate mapping key: ") {
        let key = rest.split(',').next().unwrap_or_default();
        format!("the key `{key}` stands twice; remove one of the two")
    } else {
        format!("the file is not valid YAML: {said}; correct it from this place on")
    };
    let at = error.location().map(Position::from).unwrap_or_default();
    let place = Place { path: file.into(), line: at.line, column: at.column };
    Diagnostic::new(Severity::Error, CONFIG, message).at(place)
}
