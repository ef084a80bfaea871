//! Views: how many, their names, and that each client has one (DNS.md section 6).

use super::Checker;
use crate::model::view::MAX_VIEWS;

pub(super) fn check(checker: &mut Checker<'_>) {
    let views = &checker.config.views;
    let count = views.len() + 1;
    if count > MAX_VIEWS {
        let message = format!(
            "there are {count} views with the local one, at most {MAX_VIEWS} are allowed; remove {} of them",
            count - MAX_VIEWS
        );
        checker.error(&format!("views[{}]", MAX_VIEWS - 1), "", message);
    }
    for (index, view) in views.iter().enumerate() {
        check_name(checker, index);
        check_clients(checker, index);
        if view.clients.is_empty() && view.listen.is_off() {
            let message = format!("no client gets the view {}; give it clients or listen", view.name);
            checker.warning(&format!("views[{index}]"), "", message);
        }
    }
}

fn check_name(checker: &mut Checker<'_>, index: usize) {
    let views = &checker.config.views;
    let name = &views[index].name;
    let field = format!("views[{index}].name");
    let written = checker.draft.tree.find(&field).is_some_and(|node| node.value.kind() == "a text");
    if name.is_empty() && written {
        checker.error(&field, name, "the name is empty; give the view a name such as west");
    }
    if name == "local" {
        checker.error(&field, name, "`local` is the name of the default view; choose another, or set the key local");
    }
    let Some(first) = views[..index].iter().position(|other| other.name == *name).filter(|_| !name.is_empty()) else {
        return;
    };
    let line = checker.line_of(&format!("views[{first}].name"));
    let message = format!("two views are named {name}, the first is views[{first}]{line}; rename or remove one");
    checker.error(&field, name, message);
}

/// Of nested prefixes the longest wins, but equal ones decide nothing.
fn check_clients(checker: &mut Checker<'_>, index: usize) {
    let views = &checker.config.views;
    for (at, prefix) in views[index].clients.iter().enumerate() {
        if let Some(other) = views[..index].iter().find(|other| other.clients.contains(prefix)) {
            let message = format!("{prefix} is among the clients of view {} too; keep it in one view", other.name);
            checker.error(&format!("views[{index}].clients[{at}]"), &prefix.to_string(), message);
        }
    }
}
