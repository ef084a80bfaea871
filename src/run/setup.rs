//! The checked configuration as what each room starts with.
//!
//! In: a [`Config`]. Out: the publisher's [`Setup`], the listeners' [`ListenSettings`]. Pure.

use crate::compile::{self, Columns, Zones};
use crate::config::{self, Config};
use crate::dns::{Name, NameError};
use crate::model::brake;
use crate::model::clusterset::ClusterLimits;
use crate::model::freshness::Times;
use crate::model::host::HostSettings;
use crate::model::{Cluster, ClusterId, Prefix, clusterset};
use crate::publish::{FrameTemplate, Setup};
use crate::table::FrameSettings;
use crate::transport::settings::{Endpoint, GrpcLimits, ListenSettings, TcpLimits, TlsFiles, UdpSettings};
use std::collections::HashMap;

/// What the publisher starts with. Fails when a zone's own names do not fit into 255 octets.
pub fn setup(config: &Config) -> Result<Setup, NameError> {
    let clusters: Vec<Cluster> = config.clusters().into_iter().map(|entry| entry.cluster).collect();
    Ok(Setup {
        compile: compile_settings(config, &clusters)?,
        clusters,
        views: config.views(),
        model: model(config),
        frame: frame(config),
    })
}

fn compile_settings(config: &Config, clusters: &[Cluster]) -> Result<compile::Settings, NameError> {
    let names = |zones: &[config::value::ZoneName]| zones.iter().map(|zone| Name::parse(zone.as_str())).collect();
    let (zones, global): (Result<Vec<Name>, _>, Result<Vec<Name>, _>) =
        (names(&config.zones), names(&config.global_zones));
    let reverse: Result<Vec<Name>, _> = config.reverse_zones.iter().map(|zone| Name::parse(zone.0.as_str())).collect();
    let nameserver = config.nameserver.iter().map(|address| address.0).collect();
    Ok(compile::Settings {
        zones: Zones::new(&zones?, &global?, config.ttl.get(), nameserver)?.with_reverse(&reverse?)?,
        srv_priority: match config.srv_priority {
            config::SrvPriority::None => compile::SrvPriority::None,
            config::SrvPriority::Tier => compile::SrvPriority::Tier,
        },
        cluster_names: config.cluster_names,
        zonal_names: config.zonal_names,
        max_answer_records: config.max_answer_records.as_usize(),
        columns: Columns::new(clusters.iter().map(|cluster| &cluster.id)),
    })
}

fn model(config: &Config) -> clusterset::Settings {
    let limits = &config.limits.cluster;
    clusterset::Settings {
        priority: config.cluster_priority.iter().map(|name| ClusterId::new(name.as_str())).collect(),
        refuse_exports: config.refuse_exports.iter().map(|glob| glob.to_string().into()).collect(),
        remote_endpoints: config.remote_endpoints.as_usize(),
        policies: config.policies(),
        limits: ClusterLimits {
            services: limits.services.as_usize(),
            endpoints: limits.endpoints.as_usize(),
            endpoints_per_service: limits.endpoints_per_service.as_usize(),
            ports: limits.ports.as_usize(),
            hosts: limits.hosts.as_usize(),
            addresses_per_host: limits.addresses_per_host.as_usize(),
        },
        views: config.views(),
        resolved: Default::default(),
        probed: Default::default(),
        hosts: hosts(config),
    }
}

fn hosts(config: &Config) -> HostSettings {
    let zones = |zones: &[config::value::ZoneName]| {
        zones.iter().map(|zone| zone.as_str().trim_end_matches('.').to_ascii_lowercase().into()).collect()
    };
    HostSettings {
        clusterset_zones: zones(&config.zones),
        global_zones: zones(&config.global_zones),
        respect_export_to: config.istio.respect_export_to,
        mesh_clusters: config.istio.mesh_clusters.iter().map(|name| ClusterId::new(name.as_str())).collect(),
        resolve_hostnames: config.resolve_hostnames,
    }
}

fn frame(config: &Config) -> FrameTemplate {
    let prefix = |prefix: &Prefix| (prefix.address(), prefix.length());
    let prefixes = |list: &[Prefix]| list.iter().map(prefix).collect();
    FrameTemplate(FrameSettings {
        views: config.client_prefixes().iter().map(|(range, view)| (prefix(range), *view)).collect(),
        trusted_forwarders: prefixes(&config.trusted_forwarders),
        allow_query: prefixes(&config.allow_query),
        transfer_allow: prefixes(&config.transfer.allow),
        nsid: nsid(config).into_bytes(),
        udp_max_size: config.udp_max_size.get() as u16,
        chaos_version: config.chaos.version.clone(),
        chaos_id: config.chaos.id.clone(),
        tcp_idle: (config.limits.tcp.idle.duration().as_millis() / 100).min(u128::from(u16::MAX)) as u16,
        ..FrameSettings::default()
    })
}

/// The configured identifier, else the host name, which in a pod is the pod's name.
fn nsid(config: &Config) -> String {
    if !config.nsid.is_empty() {
        return config.nsid.clone();
    }
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}

/// The ages of every cluster's data.
pub fn times(config: &Config) -> HashMap<ClusterId, Times> {
    let times = |freshness: &config::Freshness| Times {
        grace: freshness.grace.duration(),
        suspect_after: freshness.suspect_after.duration(),
        demote_after: freshness.demote_after.duration(),
        drop_after: freshness.drop_after.duration(),
        recover_after: freshness.recover_after.duration(),
        reports_demote: freshness.evidence == config::Evidence::Stale,
        ..Times::default()
    };
    config.clusters().into_iter().map(|entry| (entry.cluster.id, times(&entry.freshness))).collect()
}

/// When mass deletions wait.
pub fn brake_limits(config: &Config) -> brake::Limits {
    brake::Limits {
        share: config.brake.share.percent(),
        services: config.brake.services.as_usize(),
        confirm_after: config.brake.confirm_after.duration(),
    }
}

/// What the DNS and gRPC listeners start with.
pub fn listen_settings(config: &Config) -> ListenSettings {
    let endpoint = |(address, view)| Endpoint { address, view };
    let (tcp, grpc, udp) = (&config.limits.tcp, &config.limits.grpc, &config.udp);
    let tls = &config.tls.grpc;
    ListenSettings {
        dns: config.dns_listeners().into_iter().map(endpoint).collect(),
        grpc: config.listen.grpc.addresses().map(Endpoint::from).collect(),
        grpc_tls: tls.cert.get().zip(tls.key.get()).map(|(certificate, key)| TlsFiles {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            client_ca: tls.client_ca.get().map(ToOwned::to_owned),
        }),
        udp: UdpSettings {
            workers: udp.workers.as_usize(),
            batch: udp.batch.as_usize(),
            receive_buffer: udp.receive_buffer.get() as usize,
            reply_size: config.udp_max_size.as_usize(),
        },
        tcp: TcpLimits {
            connections: tcp.connections.as_usize(),
            per_client: tcp.per_client.as_usize(),
            idle: tcp.idle.duration(),
            deadline: tcp.deadline.duration(),
            buffer: tcp.buffer.get() as usize,
        },
        grpc_limits: GrpcLimits {
            connections: grpc.connections.as_usize(),
            streams: grpc.streams.get(),
            max_age: grpc.max_age.duration(),
            ..GrpcLimits::default()
        },
    }
}
