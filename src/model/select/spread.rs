//! Which endpoints of a large remote service one view gets.

use super::endpoints::Endpoint;
use super::standing::Context;
use crate::model::id::ClusterId;
use crate::model::trace::Trace;
use crate::model::view::View;
use std::net::IpAddr;

/// At most `remoteEndpoints` endpoints: the first by a hash of endpoint and view, so that views spread over all of
/// them and an endpoint that comes or goes moves no other.
pub(super) fn spread<'a>(
    context: &Context<'a>,
    cluster: &ClusterId,
    mut endpoints: Vec<Endpoint<'a>>,
    trace: &mut impl Trace,
) -> Vec<Endpoint<'a>> {
    let most = context.set.settings().remote_endpoints;
    if endpoints.len() <= most {
        return endpoints;
    }
    let seed = view_hash(context.view);
    endpoints.sort_by_cached_key(|endpoint| (endpoint_hash(seed, endpoint), endpoint.addresses.clone()));
    for cut in endpoints.drain(most..) {
        trace.note(|| cut.left_out(cluster, "beyond `remoteEndpoints`; other views get it"));
    }
    endpoints.sort_by(|a, b| a.addresses.cmp(&b.addresses));
    endpoints
}

fn view_hash(view: &View) -> u64 {
    let place = &view.locality;
    let texts = [
        Some(&*view.name),
        view.cluster.as_ref().map(|id| id.as_str()),
        place.region.as_deref(),
        place.zone.as_deref(),
        place.network.as_deref(),
    ];
    texts
        .into_iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, text| fold(fold(hash, text.unwrap_or_default().as_bytes()), &[0xff]))
}

fn endpoint_hash(seed: u64, endpoint: &Endpoint<'_>) -> u64 {
    let hash = endpoint.addresses.iter().fold(seed, |hash, address| match address {
        IpAddr::V4(v4) => fold(hash, &v4.octets()),
        IpAddr::V6(v6) => fold(hash, &v6.octets()),
    });
    // Spreads the low bits that neighbouring addresses share (the finalizer of MurmurHash3).
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

/// FNV-1a.
fn fold(hash: u64, octets: &[u8]) -> u64 {
    octets.iter().fold(hash, |hash, octet| (hash ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01b3))
}
