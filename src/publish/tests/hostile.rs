//! A cluster changes no answer outside its rights (RESILIENCE.md rule 10), whatever it says.

use super::*;
use crate::model::ClusterId;
use crate::model::cluster::Allow;

/// East is ours; west may speak of namespace `team` and of 10.2.0.0/16 alone, and comes last in conflicts.
fn guarded() -> (Publisher, Arc<Table>) {
    publisher_with(|setup| {
        setup.views.truncate(1);
        setup.model.priority = vec![ClusterId::new("east")];
        let guest = setup.clusters.iter_mut().find(|cluster| cluster.id.as_str() == "west").unwrap();
        guest.allow = Allow {
            namespaces: vec!["team".into()],
            cidrs: vec![crate::model::address::Prefix::parse("10.2.0.0/16").unwrap()],
        };
    })
}

/// The same in another namespace.
fn moved(fact: Fact, namespace: &str) -> Fact {
    match fact {
        Fact::Service(mut service) => {
            service.key = ServiceKey::new(namespace, service.key.name());
            Fact::Service(service)
        }
        Fact::Export(mut export) => {
            export.key = ServiceKey::new(namespace, export.key.name());
            Fact::Export(export)
        }
        Fact::Slice(mut slice) => {
            slice.key = ObjectKey::new(namespace, slice.key.name());
            slice.service = ServiceKey::new(namespace, slice.service.name());
            Fact::Slice(slice)
        }
        Fact::Namespace(_) => Fact::Namespace(NamespaceFact { name: namespace.into(), origin: Origin::Unknown }),
        other => other,
    }
}

/// Whatever a guest may think of, in namespaces of its own and of others; exports are from before any other.
fn said_by_the_guest() -> impl Strategy<Value = Vec<Fact>> {
    let space = prop_oneof![Just("shop"), Just("team"), Just("kube-system"), Just("default")];
    let fact = prop_oneof![facts(), Just(export("web", i64::MIN)), Just(export("kubernetes", 0))];
    proptest::collection::vec((fact, space).prop_map(|(fact, space)| moved(fact, space)), 1..40)
}

fn fill(publisher: &mut Publisher, cluster: &str, facts: &[Fact]) {
    let held: Held = facts.iter().map(|fact| ((fact.kind(), fact.key()), fact.clone())).collect();
    Kind::ALL.into_iter().for_each(|kind| observe(publisher, cluster, list(&held, kind)));
    publisher.work(|| true);
}

fn ours() -> Vec<Fact> {
    let mut all = Vec::new();
    for name in ["web", "db"] {
        all.extend([service(name, name == "db", 80), export(name, 1_700_000_000)]);
        all.push(slice(&format!("{name}-1"), name, &[1, 2]));
    }
    // A name exists only in namespaces that the cluster of the view has.
    let namespace = |name: &str| Fact::Namespace(NamespaceFact { name: name.into(), origin: Origin::Unknown });
    all.extend(["shop", "team", "default", "kube-system"].map(namespace));
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn a_guest_changes_nothing_outside_its_rights(said in said_by_the_guest()) {
        let (mut quiet, quiet_table) = guarded();
        let (mut loud, loud_table) = guarded();
        for publisher in [&mut quiet, &mut loud] {
            fill(publisher, "east", &ours());
            fill(publisher, "west", &[]);
        }
        for fact in said {
            observe(&mut loud, "west", Change::Apply { fact, findings: Vec::new() });
            loud.work(|| true);
        }
        let (before, after) = (contents(&quiet_table), contents(&loud_table));
        let is_its_own = |name: &[u8]| Name::from_wire(name).is_some_and(|name| name.to_string().contains("team."));
        let others = |blocks: &BTreeMap<Vec<u8>, crate::table::Block>| {
            blocks.iter().filter(|(name, _)| !is_its_own(name)).map(|(n, b)| (n.clone(), b.clone())).collect::<Vec<_>>()
        };
        let names = |blocks: &[(Vec<u8>, crate::table::Block)]| {
            blocks.iter().filter_map(|(name, _)| Some(Name::from_wire(name)?.to_string())).collect::<Vec<_>>()
        };
        let (before, after) = (others(&before), others(&after));
        prop_assert_eq!(names(&before), names(&after));
        prop_assert!(before == after);
    }
}

/// The property would hold for a guest that is not heard at all.
#[test]
fn a_guest_is_heard_where_it_has_rights() {
    let (mut publisher, table) = guarded();
    fill(&mut publisher, "east", &ours());
    let said: Vec<Fact> = [service("web", false, 80), export("web", 0)].map(|fact| moved(fact, "team")).into();
    fill(&mut publisher, "west", &said);
    assert!(names(&table).contains(&"web.team.svc.clusterset.local.".to_owned()), "{:?}", names(&table));
}
