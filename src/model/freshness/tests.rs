//! The drawing of RESILIENCE.md section 3, edge by edge, and what no sequence of evidence may bring about.

use super::*;
use proptest::prelude::*;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A cluster that was synced and last heard of `age` seconds ago.
fn heard(age: u64) -> Evidence {
    Evidence {
        synced: true,
        contact_age: Some(seconds(age)),
        any_fresh: true,
        known_for: seconds(100_000),
        ..Evidence::default()
    }
}

fn failing(age: u64) -> Evidence {
    Evidence { failing: true, ..heard(age) }
}

fn in_state(state: State, since: u64) -> Freshness {
    Freshness::default().entered(state, seconds(since))
}

/// Follows `(second, evidence)` and shows the state after each.
fn walk(mut at: Freshness, times: &Times, evidence: &[(u64, Evidence)]) -> Vec<State> {
    let mut states = Vec::new();
    for (second, evidence) in evidence {
        at = step(&at, evidence, times, seconds(*second));
        states.push(at.state);
    }
    states
}

use State::{Expired, Fresh, Stale, Suspect, Unknown};

#[test]
fn a_first_sync_makes_a_cluster_fresh_and_the_grace_runs_out_once_and_for_good() {
    let times = Times::default();
    let waiting = |known_for| Evidence { known_for: seconds(known_for), ..Evidence::default() };
    let at = step(&Freshness::default(), &waiting(29), &times, seconds(29));
    assert_eq!((at.state, at.grace_over), (Unknown, false));
    let at = step(&at, &waiting(30), &times, seconds(30));
    assert_eq!((at.state, at.grace_over), (Unknown, true));
    let at = step(&at, &heard(0), &times, seconds(31));
    assert_eq!((at.state, at.grace_over), (Fresh, true));
    let never = Times { grace: Duration::ZERO, ..times };
    assert!(!step(&Freshness::default(), &waiting(9999), &never, seconds(9999)).grace_over);
}

#[test]
fn silence_goes_through_every_state_at_its_time() {
    let path: Vec<_> = [39, 40, 59, 60, 899, 900].map(|age| (1000 + age, heard(age))).into();
    assert_eq!(walk(in_state(Fresh, 0), &Times::default(), &path), [Fresh, Suspect, Suspect, Stale, Stale, Expired]);
}

#[test]
fn an_error_makes_suspect_at_once_and_the_first_contact_of_all_makes_fresh() {
    let path = [(1, failing(0)), (2, failing(1)), (3, heard(41)), (4, heard(0))];
    assert_eq!(walk(in_state(Fresh, 0), &Times::default(), &path), [Suspect, Suspect, Suspect, Fresh]);
}

#[test]
fn what_others_say_makes_suspect_or_stale_where_so_configured_and_never_expired() {
    let reported = |age| Evidence { reported: true, ..heard(age) };
    let path = [(1, reported(0)), (9_000, reported(0)), (9_001, heard(0))];
    let demoting = Times { reports_demote: true, ..Times::default() };
    assert_eq!(walk(in_state(Fresh, 0), &Times::default(), &path), [Suspect, Suspect, Fresh]);
    let path = [(1, reported(0)), (2, reported(0)), (9_000, reported(0)), (9_001, heard(0)), (9_031, heard(0))];
    assert_eq!(walk(in_state(Fresh, 0), &demoting, &path), [Suspect, Stale, Stale, Stale, Fresh]);
    // Home, which is never demoted.
    let home = Times { demote_after: Duration::ZERO, drop_after: Duration::ZERO, ..demoting };
    assert_eq!(walk(in_state(Fresh, 0), &home, &path)[..3], [Suspect; 3]);
    assert!(heard(0).is_in_contact(&demoting) && reported(0).is_in_contact(&demoting));
    assert!(!heard(41).is_in_contact(&demoting) && !failing(0).is_in_contact(&demoting));
}

#[test]
fn a_stale_cluster_recovers_after_thirty_seconds_of_contact_without_error() {
    let path =
        [(101, heard(101)), (110, heard(5)), (120, failing(5)), (121, heard(0)), (150, heard(1)), (151, heard(1))];
    assert_eq!(
        walk(in_state(Stale, 100), &Times::default(), &path),
        [Stale, Stale, Stale, Stale, Stale, Fresh],
        "an error starts the thirty seconds over"
    );
    let old = [(101, heard(2)), (102, heard(3)), (140, heard(39))];
    assert_eq!(walk(in_state(Stale, 100), &Times::default(), &old), [Stale; 3], "a contact from before does not count");
}

#[test]
fn an_expired_cluster_becomes_stale_at_the_first_contact_and_then_recovers() {
    let path = [(1000, heard(1000)), (1001, failing(0)), (1002, heard(0)), (1031, heard(0)), (1032, heard(0))];
    assert_eq!(walk(in_state(Expired, 900), &Times::default(), &path), [Expired, Expired, Stale, Stale, Fresh]);
}

#[test]
fn each_relapse_within_ten_minutes_doubles_the_recovery_up_to_five_minutes() {
    let times = Times::default();
    let mut at = in_state(Stale, 0);
    let mut now = 0;
    let mut took = Vec::new();
    for pause in [60, 60, 60, 60, 60, 601] {
        let start = now;
        while at.state == Stale {
            now += 1;
            at = step(&at, &heard(0), &times, seconds(now));
        }
        took.push(now - start - 1);
        now += pause;
        at = step(&at, &heard(60), &times, seconds(now));
        at = step(&at, &heard(60), &times, seconds(now));
        assert_eq!(at.state, Stale);
    }
    assert_eq!(took, [30, 60, 120, 240, 300, 300]);
    assert_eq!(at.recovery(&times), seconds(30), "ten minutes of health forgive");
}

#[test]
fn zero_is_never_and_a_shorter_later_time_brings_the_earlier_states_along() {
    let home = Times { demote_after: Duration::ZERO, drop_after: Duration::ZERO, ..Times::default() };
    let year = heard(31_000_000);
    assert_eq!(walk(in_state(Fresh, 0), &home, &[(1, year), (2, year), (3, year)]), [Suspect; 3]);
    let quiet = Times { suspect_after: Duration::ZERO, ..Times::default() };
    assert_eq!(walk(in_state(Fresh, 0), &quiet, &[(1, heard(59)), (2, heard(60))]), [Fresh, Suspect]);
    let hasty = Times { drop_after: seconds(10), ..Times::default() };
    assert_eq!(
        walk(in_state(Fresh, 0), &hasty, &[(1, heard(9)), (2, heard(10)), (2, heard(10)), (2, heard(10))]),
        [Fresh, Suspect, Stale, Expired],
        "one at a time"
    );
}

#[test]
fn a_restored_cluster_ages_after_its_grace_and_becomes_fresh_by_its_own_sync() {
    let restored = |known_for| Evidence {
        contact_age: Some(seconds(3600)),
        any_fresh: true,
        known_for: seconds(known_for),
        ..Evidence::default()
    };
    let times = Times::default();
    let path = [(29, restored(29)), (30, restored(30)), (30, restored(30))];
    assert_eq!(walk(in_state(Suspect, 0), &times, &path), [Suspect, Stale, Expired]);
    let contact = Evidence { contact_age: Some(Duration::ZERO), ..restored(5) };
    assert_eq!(walk(in_state(Suspect, 0), &times, &[(5, contact), (6, heard(0))]), [Suspect, Fresh]);
}

fn set(states: &[(State, Evidence)]) -> Vec<Watched> {
    let watched = |(state, evidence): &(State, Evidence)| Watched {
        freshness: in_state(*state, 0),
        evidence: *evidence,
        times: Times::default(),
    };
    states.iter().map(watched).collect()
}

fn states(set: &[Watched]) -> Vec<State> {
    set.iter().map(|cluster| cluster.freshness.state).collect()
}

#[test]
fn two_clusters_lost_in_one_moment_do_not_vouch_for_each_other() {
    let mut both = set(&[(Suspect, heard(70)), (Fresh, heard(65))]);
    assert!(settle(&mut both, seconds(1000)), "held back by the guard");
    assert_eq!(states(&both), [Suspect, Suspect]);
    let mut one = set(&[(Suspect, heard(70)), (Fresh, heard(1)), (Stale, heard(901))]);
    assert!(!settle(&mut one, seconds(1000)));
    assert_eq!(states(&one), [Stale, Fresh, Expired]);
}

#[test]
fn what_was_stale_when_everything_was_lost_stays_so() {
    let mut all = set(&[(Stale, heard(5000)), (Expired, heard(9000)), (Fresh, failing(1))]);
    assert!(settle(&mut all, seconds(10_000)));
    assert_eq!(states(&all), [Stale, Expired, Suspect]);
}

fn any_times() -> impl Strategy<Value = Times> {
    let time = || prop_oneof![1 => Just(0u64), 4 => 1u64..100];
    (time(), time(), time(), time(), 1u64..50).prop_map(|(grace, suspect, demote, drop, recover)| Times {
        grace: seconds(grace),
        suspect_after: seconds(suspect),
        demote_after: seconds(demote),
        drop_after: seconds(drop),
        recover_after: seconds(recover),
        ..Times::default()
    })
}

/// Seconds since the moment before, and per cluster whether it is heard of and whether it shows an error.
type Moment = (u64, Vec<(bool, bool)>);

fn any_moments() -> impl Strategy<Value = Vec<Moment>> {
    let cluster = (prop::bool::weighted(0.4), prop::bool::weighted(0.2));
    prop::collection::vec((1u64..40, prop::collection::vec(cluster, 3)), 1..60)
}

fn is_edge(from: State, to: State) -> bool {
    matches!(
        (from, to),
        (Unknown, Fresh) | (Fresh, Suspect) | (Suspect, Fresh | Stale) | (Stale, Fresh | Expired) | (Expired, Stale)
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn no_path_skips_a_state(times in any_times(), moments in any_moments(), any_fresh in any::<bool>()) {
        let (mut at, mut now, mut contact) = (Freshness::default(), 0, None);
        for (pause, clusters) in moments {
            now += pause;
            let ((heard, failing), (reported, _)) = (clusters[0], clusters[1]);
            if heard {
                contact = Some(now);
            }
            let contact_age = contact.map(|contact| seconds(now - contact));
            let synced = contact.is_some();
            let evidence = Evidence { synced, contact_age, failing, reported, any_fresh, known_for: seconds(now) };
            let next = step(&at, &evidence, &times, seconds(now));
            prop_assert!(at.state == next.state || is_edge(at.state, next.state), "{:?} {:?}", at, next);
            prop_assert!(any_fresh || !matches!((at.state, next.state), (Suspect, Stale) | (Stale, Expired)));
            if (at.state, next.state) == (Stale, Fresh) {
                let contact_since = at.healthy_since.unwrap_or(seconds(now));
                prop_assert!(seconds(now) - contact_since >= times.recover_after && !failing && !reported);
            }
            at = next;
        }
    }

    #[test]
    fn the_guard_and_never_always_hold(all in prop::collection::vec(any_times(), 3), moments in any_moments()) {
        let watched = |times: &Times| Watched {
            freshness: Freshness::default(),
            evidence: Evidence::default(),
            times: *times,
        };
        let mut set: Vec<Watched> = all.iter().map(watched).collect();
        let mut contacts: [Option<u64>; 3] = [None; 3];
        let mut now = 0;
        for (pause, clusters) in moments {
            now += pause;
            for ((cluster, contact), (heard, failing)) in set.iter_mut().zip(&mut contacts).zip(clusters) {
                *contact = if heard { Some(now) } else { *contact };
                cluster.evidence = Evidence {
                    synced: contact.is_some(),
                    contact_age: contact.map(|contact| seconds(now - contact)),
                    failing,
                    reported: false,
                    any_fresh: true,
                    known_for: seconds(now),
                };
            }
            let before = states(&set);
            settle(&mut set, seconds(now));
            let after = states(&set);
            let any_fresh = after.contains(&Fresh);
            for ((before, cluster), contact) in before.iter().zip(&set).zip(contacts) {
                let (state, times) = (cluster.freshness.state, &cluster.times);
                let sank = state.is_stale() && state > *before;
                prop_assert!(any_fresh || !sank, "guard: {:?} to {:?}", before, after);
                let age = contact.map_or(0, |contact| now - contact);
                let over = |limit: Duration| !limit.is_zero() && seconds(age) >= limit;
                prop_assert!(!sank || over(times.demote_after) || over(times.drop_after), "{:?}", cluster);
                prop_assert!(!(sank && state == Expired) || over(times.drop_after), "{:?}", cluster);
                prop_assert!(contact.is_some() == state.is_known());
            }
        }
    }
}
