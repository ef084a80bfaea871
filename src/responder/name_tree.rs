//! Which name of the tree a question means: the Block itself, a formed global name, a wildcard, or none.
//!
//! In: a name and its zone. Out: [`Place`]. DNS.md sections 1 and 2; wildcards as RFC 4592 says, over the union of
//! stored and formed names.

use crate::dns::QuestionName;
use crate::table::{Block, Frame, Pinned, Zone, ZoneKind};

/// What stands at a name.
#[derive(Clone, Copy)]
pub(super) enum Place<'g> {
    Block(&'g Block),
    /// A service's Block under a formed name: A and AAAA only, of one cluster column if one is given.
    Formed(&'g Block, Option<u16>),
    /// An empty non-terminal of formed names.
    Empty,
    Nothing,
}

/// One look at the tree: where, and for whom.
#[derive(Clone, Copy)]
pub(super) struct Tree<'g, 't> {
    pub table: &'g Pinned<'t>,
    pub zone: &'g Zone,
    pub view: u8,
}

impl<'g, 't> Tree<'g, 't> {
    fn frame(&self) -> &'g Frame {
        self.table.frame()
    }

    /// What stands at `name`, whose own Block is `found`.
    #[inline]
    pub fn place(&self, name: &QuestionName, found: Option<&'g Block>) -> Place<'g> {
        if let Some(block) = found
            && block.exists_in(self.view)
            && (self.zone.kind != ZoneKind::Global || block.is_owned(self.view))
        {
            return Place::Block(block);
        }
        self.place_without_records(name, found)
    }

    /// The rest of [`Tree::place`]: misses, and ancestors in a global zone, which a formed name outranks.
    fn place_without_records(&self, name: &QuestionName, found: Option<&'g Block>) -> Place<'g> {
        match self.exact(name, name.label_count(), found) {
            Place::Nothing if self.zone.state.wildcard_labels() > 0 => self.wildcard(name),
            place => place,
        }
    }

    /// What stands at exactly the last `labels` labels of `name`; `found` is the Block stored there.
    pub(super) fn exact(&self, name: &QuestionName, labels: u8, found: Option<&'g Block>) -> Place<'g> {
        let stored = found.filter(|block| block.exists_in(self.view));
        let owned = stored.is_some_and(|block| block.is_owned(self.view));
        if !owned && self.zone.kind == ZoneKind::Global {
            match self.formed(name, labels) {
                Place::Nothing => {}
                place => return place,
            }
        }
        stored.map_or(Place::Nothing, Place::Block)
    }

    /// The wildcard below the closest encloser (RFC 4592 section 3.3.1). Whatever exists has all its ancestors, so the
    /// encloser is sought from the zone downwards, no deeper than the zone's deepest wildcard.
    #[cold]
    fn wildcard(&self, name: &QuestionName) -> Place<'g> {
        let deepest = self.zone.state.wildcard_labels();
        let mut encloser = self.zone.labels;
        while encloser < deepest && encloser + 1 < name.label_count() {
            let next = encloser + 1;
            match self.exact(name, next, self.table.lookup(name.suffix(next))) {
                Place::Nothing => break,
                _ => encloser = next,
            }
        }
        if encloser >= deepest {
            return Place::Nothing;
        }
        let block = self.probe(&[b"\x01*", name.suffix(encloser)]);
        block.map_or(Place::Nothing, Place::Block)
    }

    /// A name formed from a service of the first clusterset zone, or an ancestor of one (DNS.md section 2):
    /// `<svc>.<ns>` and `<svc>.<ns>.svc.<cluster>` below the global zone.
    #[cold]
    fn formed(&self, name: &QuestionName, labels: u8) -> Place<'g> {
        let first = name.label_count().saturating_sub(labels);
        let end = name.label_count().saturating_sub(self.zone.labels);
        let is_svc = |index: u8| name.label(first + index) == b"svc";
        let cluster = |from: u8| self.cluster(name.labels(first + from, end));
        let left = end.saturating_sub(first);
        if left == 2
            && let Some(block) = self.service(name, first)
        {
            return Place::Formed(block, None);
        }
        if left > 3
            && is_svc(2)
            && let Some(column) = cluster(3)
            && let Some(block) = self.service(name, first)
        {
            return Place::Formed(block, Some(column));
        }
        let is_ancestor = match left {
            0 => false,
            1 => self.namespace(name, first) || self.is_cluster_or_below_one(name.labels(first, end)),
            _ => {
                cluster(0).is_some()
                    || (is_svc(0) && cluster(1).is_some())
                    || (is_svc(1) && cluster(2).is_some() && self.namespace(name, first))
            }
        };
        if is_ancestor { Place::Empty } else { Place::Nothing }
    }

    /// The Block of the service that labels `first` and `first + 1` name.
    fn service(&self, name: &QuestionName, first: u8) -> Option<&'g Block> {
        let zone = self.frame().first_clusterset()?;
        self.probe(&[name.labels(first, first + 2), b"\x03svc", zone.name.wire()])
    }

    /// True when label `at` is a known namespace.
    fn namespace(&self, name: &QuestionName, at: u8) -> bool {
        let Some(zone) = self.frame().first_clusterset() else { return false };
        self.probe(&[name.labels(at, at + 1), b"\x03svc", zone.name.wire()]).is_some()
    }

    /// The column of the cluster with this id (one label or two, in wire form without the root), if this view knows it.
    fn cluster(&self, id: &[u8]) -> Option<u16> {
        self.known_clusters().find(|(known, _)| *known == id).map(|(_, column)| column)
    }

    /// True for a cluster's id, and for the last label of one of two labels.
    fn is_cluster_or_below_one(&self, id: &[u8]) -> bool {
        self.known_clusters().any(|(known, _)| {
            let parent = known.first().and_then(|length| known.get(1 + usize::from(*length)..));
            known == id || (!id.is_empty() && parent == Some(id))
        })
    }

    fn known_clusters(&self) -> impl Iterator<Item = (&'g [u8], u16)> {
        let view = self.view & 63;
        let known = self.frame().clusters().iter().filter(move |cluster| cluster.views >> view & 1 == 1);
        let ids = known.map(|cluster| (cluster.id.wire().strip_suffix(&[0]).unwrap_or(&[]), cluster.column));
        ids.filter(|(id, _)| !id.is_empty())
    }

    /// The Block of the name that `parts` make, if it exists in this view.
    fn probe(&self, parts: &[&[u8]]) -> Option<&'g Block> {
        let mut name = [0; 255];
        let mut length = 0;
        for part in parts {
            name.get_mut(length..length + part.len())?.copy_from_slice(part);
            length += part.len();
        }
        self.table.lookup(name.get(..length)?).filter(|block| block.exists_in(self.view))
    }

    /// True when a name that is missing here may belong to a cluster that has not been heard yet (DNS.md section 4).
    #[inline]
    pub fn may_be_unknown(&self, name: &QuestionName) -> bool {
        if self.zone.unknown >> (self.view & 63) & 1 == 0 {
            return false;
        }
        let below = name.label_count() - self.zone.labels.min(name.label_count());
        match self.zone.kind {
            ZoneKind::Clusterset => below > 1 && name.label(below - 1) == b"svc",
            ZoneKind::Global | ZoneKind::Reverse => below > 0,
        }
    }
}
