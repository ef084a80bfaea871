//! What the brake on mass deletions says in the log.

use crate::model::brake::Event;

/// One line: cluster, what happened, what is served meanwhile, what to do.
pub(super) fn tell(event: &Event) {
    match event {
        Event::Held { cluster, kind, objects, loss } => tracing::warn!(
            "cluster {cluster}: {kind}: a list lacks {objects} objects, so that {} of {} services would be lost; they are kept \
             and served until a second list agrees (`brake`); if that was not wanted, look whether another cluster or an old \
             backup answers there",
            loss.lost,
            loss.of,
            kind = kind.as_str(),
        ),
        Event::Deleted { cluster, kind, objects } => tracing::warn!(
            "cluster {cluster}: {}: a second list agrees: {objects} objects are gone, and their answers with them",
            kind.as_str()
        ),
        Event::Returned { cluster, kind } => tracing::info!(
            "cluster {cluster}: {}: every object that a list had lacked is accounted for again; nothing was deleted by it",
            kind.as_str()
        ),
    }
}
