//! Where a name stands in the tree, for `explain`: by the code that answers, not beside it. Never on the query path.

use super::name_tree::{Place, Tree};
use crate::dns::{Name, QuestionName};
use crate::table::{Block, Pinned};

/// What answers for a name in one view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Located {
    /// The name itself, with records or an owner.
    Name,
    /// It exists because names below it do (RFC 8020).
    EmptyNonTerminal,
    /// The service whose own name this is; restricted to one cluster column if there is one (DNS.md section 2).
    Formed { service: Name, column: Option<u16> },
    /// The wildcard of this name (RFC 4592).
    Wildcard(Name),
    /// No such name.
    Nothing,
}

/// A name's place in its zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    pub located: Located,
    /// The longest existing ancestor, the zone itself at least (RFC 4592 section 3.3.1).
    pub encloser: Name,
}

/// Looks `name` up in `view` as a query would; `None` outside the zones.
pub fn locate(table: &Pinned<'_>, name: &Name, view: u8) -> Option<Location> {
    let mut question = QuestionName::default();
    question.read(name.wire(), 0)?;
    let (_, zone) = table.frame().zone_of(&question)?;
    let tree = Tree { table, zone, view };
    let exists =
        |labels: u8| !matches!(tree.exact(&question, labels, table.lookup(question.suffix(labels))), Place::Nothing);
    let above = (zone.labels..question.label_count()).rev().find(|labels| exists(*labels));
    let encloser = Name::from_wire(question.suffix(above.unwrap_or(zone.labels)))?;
    let located = match tree.place(&question, table.lookup(question.wire())) {
        Place::Block(block) if block.name() != question.wire() => Located::Wildcard(owner(block)?),
        Place::Block(block) if block.is_owned(view) => Located::Name,
        Place::Block(_) | Place::Empty => Located::EmptyNonTerminal,
        Place::Formed(block, column) => Located::Formed { service: owner(block)?, column },
        Place::Nothing => Located::Nothing,
    };
    Some(Location { located, encloser })
}

fn owner(block: &Block) -> Option<Name> {
    Name::from_wire(block.name())
}
