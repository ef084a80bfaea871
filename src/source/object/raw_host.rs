//! The slim shapes of ServiceEntry, WorkloadEntry and DNSEndpoint, as far as other kinds do not share them.

use super::lenient::{Faults, KeyText, Lenient, Read, shape};
use super::raw::{KnownLabels, RawPort};
use serde::de::{MapAccess, SeqAccess};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Deref;

type Text<'de> = Cow<'de, str>;
type List<T> = Vec<Option<T>>;

/// `metadata.labels`: those with a meaning of their own, and all others as they stand.
#[derive(Debug, Default)]
pub struct Labels<'de> {
    pub known: KnownLabels<'de>,
    /// In the order of the source.
    pub other: Vec<(Text<'de>, Text<'de>)>,
}

impl<'de> Deref for Labels<'de> {
    type Target = KnownLabels<'de>;

    fn deref(&self) -> &KnownLabels<'de> {
        &self.known
    }
}

impl<'de> Read<'de> for Labels<'de> {
    const EXPECTED: &'static str = "a map";

    fn map<A: MapAccess<'de>>(mut map: A, faults: &Faults) -> Result<Option<Self>, A::Error> {
        let mut labels = Labels::default();
        while let Some(key) = map.next_key_seed(KeyText)? {
            if !labels.known.read_field(&key, &mut map, faults)? {
                // A label that is no text matches no selector; the API allows none.
                let value = map.next_value_seed(Lenient::<Text<'de>>::new(&Faults::default()))?;
                labels.other.extend(value.map(|value| (key, value)));
            }
        }
        Ok(Some(labels))
    }
}

/// `spec.ports`: a list, in a WorkloadEntry numbers by name.
#[derive(Debug, Default)]
pub struct SpecPorts<'de> {
    pub list: Option<List<RawPort<'de>>>,
    pub by_name: BTreeMap<Text<'de>, i64>,
}

impl<'de> Read<'de> for SpecPorts<'de> {
    const EXPECTED: &'static str = "a list";

    fn map<A: MapAccess<'de>>(map: A, faults: &Faults) -> Result<Option<Self>, A::Error> {
        let by_name = BTreeMap::map(map, faults)?;
        Ok(by_name.map(|by_name| SpecPorts { list: None, by_name }))
    }

    fn list<A: SeqAccess<'de>>(list: A, faults: &Faults) -> Result<Option<Self>, A::Error> {
        let list = <List<RawPort<'de>> as Read<'de>>::list(list, faults)?;
        Ok(list.map(|list| SpecPorts { list: Some(list), by_name: BTreeMap::new() }))
    }
}

/// `targetPort`: a number in a ServiceEntry; in a Service it may be a name, which says nothing here.
#[derive(Debug, Default)]
pub struct TargetPort(pub Option<i64>);

impl<'de> Read<'de> for TargetPort {
    const EXPECTED: &'static str = "a number or a name";

    fn text(_: Text<'de>) -> Option<Self> {
        Some(TargetPort(None))
    }

    fn number(number: i64) -> Option<Self> {
        Some(TargetPort(Some(number)))
    }
}

shape! {
    /// One entry of `spec.endpoints` of a ServiceEntry or a DNSEndpoint.
    SpecEndpoint {
        address: Text<'de> = "address",
        ports: BTreeMap<Text<'de>, i64> = "ports",
        labels: BTreeMap<Text<'de>, Text<'de>> = "labels",
        network: Text<'de> = "network",
        locality: Text<'de> = "locality",
        weight: i64 = "weight",
        dns_name: Text<'de> = "dnsName",
        targets: List<Text<'de>> = "targets",
        record_type: Text<'de> = "recordType",
        record_ttl: i64 = "recordTTL",
        set_identifier: Text<'de> = "setIdentifier",
        provider_specific: List<ProviderSpecific<'de>> = "providerSpecific",
    }
}

shape! {
    /// One entry of `providerSpecific`.
    ProviderSpecific { name: Text<'de> = "name", value: Text<'de> = "value" }
}

shape! {
    /// `spec.workloadSelector`.
    WorkloadSelector { labels: BTreeMap<Text<'de>, Text<'de>> = "labels" }
}

shape! {
    /// One entry of `status.addresses` of a ServiceEntry.
    StatusAddress { value: Text<'de> = "value", host: Text<'de> = "host" }
}

shape! {
    /// One entry of `status.conditions`.
    Condition { condition_type: Text<'de> = "type", status: Text<'de> = "status" }
}
