//! Bytes of an API server: objects, list pages, watch events.

use super::{Context, Decoded, Event, Outcome, decode_event, decode_json, decode_list};
use crate::model::fact::{Fact, Kind, Origin};
use crate::model::id::ClusterId;

fn context() -> Context<'static> {
    Context::api(ClusterId::new("east"))
}

fn list(bytes: &str) -> (Vec<Decoded>, Result<super::ListMeta, super::DecodeError>) {
    let mut items = Vec::new();
    let meta = decode_list(Kind::Service, bytes.as_bytes(), &context(), |item| items.push(item));
    (items, meta)
}

#[test]
fn items_need_no_kind_and_a_bad_one_is_one_finding() {
    let nested = format!(r#"{{"metadata":{{"name":"c"}},"x":{}1{}}}"#, "[".repeat(100), "]".repeat(100));
    let (items, meta) = list(&format!(
        r#"{{"kind":"ServiceList","items":[{{"metadata":{{"name":"a","namespace":"shop","resourceVersion":"7"}}}},{{}},3,{nested}],
        "metadata":{{"resourceVersion":"12","continue":"token","remainingItemCount":4}}}}"#
    ));
    let meta = meta.unwrap();
    assert_eq!((meta.version(), meta.continue_token.as_deref(), meta.remaining), (12, Some("token"), Some(4)));
    let outcomes: Vec<_> = items.iter().map(|item| item.identity().1.map(|key| key.to_string())).collect();
    assert_eq!(outcomes, [Some("shop/a".to_owned()), None, None, Some("default/c".to_owned())]);
    assert_eq!(items[0].resource_version, 7);
    let Outcome::Object { fact: Fact::Service(fact), .. } = &items[0].outcome else { panic!("{items:?}") };
    assert_eq!(fact.origin, Origin::Api { resource_version: 7 });
}

#[test]
fn lists_may_be_null_but_not_missing_or_cut() {
    assert!(list(r#"{"items":null,"metadata":{}}"#).1.is_ok());
    for bytes in ["{}", "[]", r#"{"items":[{"metadata":{"name":"a"}}"#, r#"{"items":[]} x"#, ""] {
        assert!(list(bytes).1.is_err(), "{bytes}");
    }
}

#[test]
fn watch_events_are_told_apart() {
    let decode = |line: &str| decode_event(Kind::Namespace, line.as_bytes(), &context());
    let object = r#"{"metadata":{"name":"kube-system","uid":"u-1","resourceVersion":"9"}}"#;
    match decode(&format!(r#"{{"type":"ADDED","object":{object}}}"#)).unwrap() {
        Event::Applied(decoded) => assert_eq!((decoded.uid.as_deref(), decoded.resource_version), (Some("u-1"), 9)),
        other => panic!("{other:?}"),
    }
    let deleted = decode(&format!(r#"{{"object":{object},"type":"DELETED"}}"#)).unwrap();
    assert!(matches!(deleted, Event::Deleted(decoded) if decoded.identity().0 == Some(Kind::Namespace)));
    assert_eq!(decode(&format!(r#"{{"type":"BOOKMARK","object":{object}}}"#)).unwrap(), Event::Bookmark(9));
    let gone = r#"{"type":"ERROR","object":{"kind":"Status","status":"Failure","code":410,"reason":"Expired",
        "message":"too old","details":{"retryAfterSeconds":2}}}"#;
    match decode(gone).unwrap() {
        Event::Error(status) => {
            assert_eq!((status.code, &*status.reason, status.retry_after_seconds), (410, "Expired", Some(2)));
        }
        other => panic!("{other:?}"),
    }
    assert!(decode(r#"{"type":"NEW","object":{}}"#).is_err());
    assert!(decode(r#"{"type":"ADDED","object":{"#).is_err());
}

#[test]
fn an_object_over_the_limit_is_rejected_by_name() {
    let text = format!(r#"{{"metadata":{{"name":"a","annotations":{{"x":"{}"}}}}}}"#, "y".repeat(2 << 20));
    match decode_json(Some(Kind::Service), text.as_bytes(), &context()).outcome {
        Outcome::Rejected { key: Some(key), finding, .. } => {
            assert_eq!((key.as_str(), finding.code), ("default/a", "over-limit"));
        }
        other => panic!("{other:?}"),
    }
    let cut = decode_json(Some(Kind::Service), b"{\"metadata\":", &context());
    assert!(matches!(cut.outcome, Outcome::Rejected { key: None, .. }));
}

#[test]
fn what_objects_have_alike_is_one_value_as_soon_as_they_are_decoded() {
    let context = context();
    let decode = |kind, body: &str| {
        let text = format!(r#"{{"metadata":{{"name":"web","namespace":"shop",{body}}}"#);
        match decode_json(Some(kind), text.as_bytes(), &context).outcome {
            Outcome::Object { fact, .. } => fact,
            other => panic!("{other:?}"),
        }
    };
    let spec = r#""ports":[{"name":"http","port":80}]"#;
    let service = || decode(Kind::Service, &format!(r#""uid":"1"}},"spec":{{"ipFamilies":["IPv4"],{spec}}}"#));
    let slice = decode(
        Kind::EndpointSlice,
        &format!(r#""labels":{{"kubernetes.io/service-name":"web"}}}},"endpoints":[],{spec}"#),
    );
    let (Fact::Service(one), Fact::Service(other), Fact::Slice(slice)) = (service(), service(), slice) else {
        panic!()
    };
    assert!(
        std::ptr::eq(one.key.as_str(), other.key.as_str()) && std::ptr::eq(one.key.as_str(), slice.service.as_str())
    );
    assert!(std::ptr::eq(&*one.ports, &*other.ports) && std::ptr::eq(&*one.ports, &*slice.ports));
    assert!(std::ptr::eq(&*one.traffic, &*other.traffic));
    context.interner.clear();
    let Fact::Service(later) = service() else { panic!() };
    assert!(later.key == one.key && !std::ptr::eq(one.key.as_str(), later.key.as_str()));
}
