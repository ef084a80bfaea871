//! The node of the name tree that answers: the name itself, a formed name, a wildcard, an empty non-terminal, or none.

use super::Context;
use crate::dns::Name;
use crate::responder::{Located, locate};
use serde::Serialize;

/// At most so many names below an empty non-terminal.
const BELOW: usize = 3;

/// Where a name stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TreeNode {
    pub kind: TreeKind,
    /// The wildcard, or the service whose name it is formed from.
    pub matched: Option<String>,
    /// The longest existing ancestor (RFC 4592).
    pub closest_encloser: String,
    /// Hosts that make an empty non-terminal exist; only some.
    pub below: Vec<String>,
}

/// What answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TreeKind {
    Name,
    EmptyNonTerminal,
    Formed,
    Wildcard,
    Nothing,
}

/// Looks the name up as the responder does; `None` outside the zones.
pub(super) fn node(name: &Name, view: u8, context: &Context<'_>) -> Option<TreeNode> {
    let location = locate(&context.table.pin(), name, view)?;
    let (kind, matched) = match location.located {
        Located::Name => (TreeKind::Name, None),
        Located::EmptyNonTerminal => (TreeKind::EmptyNonTerminal, None),
        Located::Formed { service, .. } => (TreeKind::Formed, Some(service.to_string())),
        Located::Wildcard(wildcard) => (TreeKind::Wildcard, Some(wildcard.to_string())),
        Located::Nothing => (TreeKind::Nothing, None),
    };
    let below = match kind {
        TreeKind::EmptyNonTerminal => hosts_below(name, context),
        _ => Vec::new(),
    };
    Some(TreeNode { kind, matched, closest_encloser: location.encloser.to_string(), below })
}

fn hosts_below(name: &Name, context: &Context<'_>) -> Vec<String> {
    let suffix = format!(".{}", name.to_string().trim_end_matches('.'));
    context.clusterset.hosts().filter(|host| host.ends_with(&suffix)).take(BELOW).map(ToString::to_string).collect()
}

impl TreeNode {
    /// One line of text.
    pub(super) fn words(&self) -> String {
        let (matched, encloser) = (self.matched.as_deref().unwrap_or_default(), &self.closest_encloser);
        match self.kind {
            TreeKind::Name => "the name itself".to_owned(),
            TreeKind::EmptyNonTerminal if self.below.is_empty() => "an empty non-terminal".to_owned(),
            TreeKind::EmptyNonTerminal => {
                format!("an empty non-terminal: it exists because of {} below it", self.below.join(", "))
            }
            TreeKind::Formed => format!("formed from {matched}"),
            TreeKind::Wildcard => format!("wildcard {matched}; the closest encloser is {encloser}"),
            TreeKind::Nothing => format!("no such name; the closest encloser is {encloser}"),
        }
    }
}
