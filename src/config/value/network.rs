//! Addresses to listen on, to answer with, and to send clients to.

use super::super::reader::{Reader, Setting};
use super::super::shape::Shape;
use super::super::tree::{Node, Value};
use super::{Scalar, refuse};
use crate::model::address::refusal;
use crate::model::cluster::GatewayAddress;
use crate::model::id::is_label;
use std::net::{IpAddr, SocketAddr};

/// An address and a port; port 0 takes any free one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListenAddress(pub SocketAddr);

impl Scalar for ListenAddress {
    fn schema() -> Shape {
        Shape::text("^.+:[0-9]+$", "an address with a port such as 127.0.0.1:5300 or [::]:53")
    }

    fn parse(text: &str) -> Result<Self, (String, String)> {
        if let Ok(address) = text.parse() {
            return Ok(ListenAddress(address));
        }
        let (host, port) = text.rsplit_once(':').unwrap_or((text, ""));
        if text.parse::<IpAddr>().is_ok() {
            let example = if text.contains(':') { format!("[{text}]:53") } else { format!("{text}:53") };
            return refuse("has no port", format!("add one: {example}"));
        }
        match port.parse::<u16>() {
            Ok(port) if host.is_empty() => refuse("has no address", format!("write [::]:{port} for all addresses")),
            Ok(_) if host.parse::<IpAddr>().is_err() => refuse(
                "has no IP address before the port",
                "write it like 127.0.0.1:5300 or [::]:53; names are not looked up",
            ),
            Ok(port) => refuse("has an IPv6 address without brackets", format!("write [{host}]:{port}")),
            Err(_) => refuse("is not an address with a port", "write it like 127.0.0.1:5300 or [::]:53"),
        }
    }

    fn text(&self) -> String {
        self.0.to_string()
    }
}

/// Where a service listens; none switches it off (`[]` or `""`).
///
/// `MANY` is false for services with one address, which are written without brackets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListenAddresses<const MANY: bool>(pub Vec<ListenAddress>);

impl<const MANY: bool> ListenAddresses<MANY> {
    /// A default: one address.
    pub(in crate::config) fn one(ip: impl Into<IpAddr>, port: u16) -> Self {
        ListenAddresses(vec![ListenAddress(SocketAddr::new(ip.into(), port))])
    }

    /// The addresses; none when it is off.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.0.iter().map(|address| address.0)
    }

    /// The first address; `None` when it is off.
    pub fn first(&self) -> Option<SocketAddr> {
        self.addresses().next()
    }

    /// True when it is off.
    pub fn is_off(&self) -> bool {
        self.0.is_empty()
    }
}

impl<const MANY: bool> Setting for ListenAddresses<MANY> {
    fn shape() -> Shape {
        let address = ListenAddress::schema().schema();
        let off = serde_json::json!({ "enum": ["", []], "description": "off" });
        let some = if MANY { serde_json::json!({ "type": "array", "items": address }) } else { address };
        Shape::Leaf(serde_json::json!({ "anyOf": [some, off] }))
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        match &node.value {
            Value::Text(text) if text.is_empty() => Some(ListenAddresses(Vec::new())),
            Value::Text(_) => ListenAddress::read(node, reader).map(|address| ListenAddresses(vec![address])),
            Value::List(items) if !MANY && items.len() > 1 => {
                reader.wrong(
                    node,
                    format!("has {} addresses, one is allowed", items.len()),
                    "keep one, or write [] to switch it off",
                );
                None
            }
            Value::List(_) => Vec::read(node, reader).map(ListenAddresses),
            other => {
                let problem = format!("is {}, an address with a port is expected", other.kind());
                reader.wrong(node, problem, "write it like \"127.0.0.1:5300\", or [] to switch it off");
                None
            }
        }
    }

    fn print(&self) -> Node {
        match self.0.first() {
            Some(address) if !MANY => address.print(),
            None if !MANY => Node::text(""),
            _ => self.0.print(),
        }
    }
}

/// An address of `ns.dns.Z`: loopback is allowed, other addresses that mean nothing to a client are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameserverAddress(pub IpAddr);

impl Scalar for NameserverAddress {
    fn schema() -> Shape {
        Shape::text("^[0-9a-fA-F.:]+$", "an IP address")
    }

    fn parse(text: &str) -> Result<Self, (String, String)> {
        let Ok(address) = text.parse::<IpAddr>() else {
            return refuse(
                "is not an IP address",
                "write the address under which clients reach this server, without a port",
            );
        };
        match refusal(address) {
            Some(reason) if !address.is_loopback() => {
                refuse(reason, "write the address under which clients reach this server")
            }
            _ => Ok(NameserverAddress(address)),
        }
    }

    fn text(&self) -> String {
        self.0.to_string()
    }
}

/// A gateway of a cluster's network: an address or a host name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway(pub GatewayAddress);

impl Scalar for Gateway {
    fn schema() -> Shape {
        Shape::text("^[0-9a-zA-Z.:-]+$", "an IP address or a host name")
    }

    fn parse(text: &str) -> Result<Self, (String, String)> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return match refusal(address) {
                Some(reason) => refuse(reason, "write the address under which other clusters reach the gateway"),
                None => Ok(Gateway(GatewayAddress::Ip(address))),
            };
        }
        let name = text.to_ascii_lowercase();
        let name = name.strip_suffix('.').unwrap_or(&name);
        if name.len() > 253 || !name.split('.').all(is_label) {
            return refuse("is neither an IP address nor a host name", "write one of the two, without a port");
        }
        Ok(Gateway(GatewayAddress::Host(name.into())))
    }

    fn text(&self) -> String {
        match &self.0 {
            GatewayAddress::Ip(address) => address.to_string(),
            GatewayAddress::Host(name) => name.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_listen_address_is_told_apart() {
        let cases = [
            (":53", "has no address", "write [::]:53 for all addresses"),
            ("127.0.0.1", "has no port", "add one: 127.0.0.1:53"),
            ("::1", "has no port", "add one: [::1]:53"),
            ("fe80::1:70000", "is not an address with a port", "write it like 127.0.0.1:5300 or [::]:53"),
            (
                "localhost:53",
                "has no IP address before the port",
                "write it like 127.0.0.1:5300 or [::]:53; names are not looked up",
            ),
            ("10.0.0.1:70000", "is not an address with a port", "write it like 127.0.0.1:5300 or [::]:53"),
        ];
        for (text, problem, advice) in cases {
            assert_eq!(ListenAddress::parse(text).unwrap_err(), (problem.to_owned(), advice.to_owned()), "{text}");
        }
        assert_eq!(ListenAddress::parse("[::]:53").unwrap().text(), "[::]:53");
    }

    #[test]
    fn a_nameserver_may_be_loopback_but_not_link_local() {
        assert!(NameserverAddress::parse("127.0.0.1").is_ok());
        assert_eq!(NameserverAddress::parse("169.254.20.10").unwrap_err().0, "is a link-local address");
    }

    #[test]
    fn a_gateway_is_an_address_or_a_name() {
        assert_eq!(Gateway::parse("GW.example.com.").unwrap().text(), "gw.example.com");
        assert_eq!(Gateway::parse("203.0.113.7").unwrap().text(), "203.0.113.7");
        assert!(Gateway::parse("gw:443").is_err() && Gateway::parse("127.0.0.1").is_err());
    }
}
