//! The real `dig`, and its printed reply taken apart.

use std::process::Command;

/// One record as dig prints it. Names are lower-cased, as DNS compares them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Owner name, with its final dot.
    pub name: String,
    /// Time to live, in seconds.
    pub ttl: u32,
    /// Type, such as `A`.
    pub kind: String,
    /// The rest of the line, single-spaced.
    pub data: String,
}

/// One reply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// Response code in words: `NOERROR`, `NXDOMAIN` ...
    pub status: String,
    /// Header flags, such as `aa`.
    pub flags: Vec<String>,
    /// Codes of extended DNS errors.
    pub errors: Vec<u16>,
    /// The three sections.
    pub answer: Vec<Record>,
    /// Authority section.
    pub authority: Vec<Record>,
    /// Additional section, without OPT.
    pub additional: Vec<Record>,
}

/// Asks 127.0.0.1 with dig, once, waiting 3 s. `more` are further arguments, such as `+tcp`.
pub fn dig(port: u16, name: &str, kind: &str, more: &[&str]) -> Result<Reply, String> {
    let output = Command::new("dig")
        .args(["@127.0.0.1", "-p", &port.to_string(), "+tries=1", "+time=3", "+norecurse", "+nocmd", "+nostats"])
        .args(more)
        .args(["-q", name, "-t", kind])
        .output()
        .map_err(|error| format!("dig: {error}; tests/run installs bind9-dnsutils"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    parse(&text).ok_or_else(|| format!("dig {name} {kind} at port {port}: no reply\n{text}"))
}

/// Takes dig's output apart; `None` when it holds no reply.
pub fn parse(text: &str) -> Option<Reply> {
    let mut reply = Reply::default();
    let mut section = "";
    for line in text.lines() {
        if let Some(header) = line.strip_prefix(";; ->>HEADER<<-") {
            reply.status = header.split("status: ").nth(1)?.split(',').next()?.to_owned();
        } else if let Some(flags) = line.strip_prefix(";; flags: ") {
            reply.flags = flags.split(';').next()?.split_whitespace().map(str::to_owned).collect();
        } else if let Some(error) = line.strip_prefix("; EDE: ") {
            reply.errors.push(error.split([' ', ':']).next()?.parse().ok()?);
        } else if let Some(title) = line.strip_prefix(";; ").and_then(|line| line.strip_suffix(" SECTION:")) {
            section = title;
        } else if let Some(record) = record(line) {
            match section {
                "ANSWER" => reply.answer.push(record),
                "AUTHORITY" => reply.authority.push(record),
                "ADDITIONAL" => reply.additional.push(record),
                _ => {}
            }
        }
    }
    (!reply.status.is_empty()).then_some(reply)
}

fn record(line: &str) -> Option<Record> {
    let mut words = line.split_whitespace();
    if line.starts_with(';') {
        return None;
    }
    let name = words.next()?.to_ascii_lowercase();
    let ttl = words.next()?.parse().ok()?;
    let (_class, kind) = (words.next()?, words.next()?.to_owned());
    let data = words.collect::<Vec<_>>().join(" ").to_ascii_lowercase();
    Some(Record { name, ttl, kind, data })
}

impl Reply {
    /// The data of all answers of one type, in the order of the reply.
    pub fn data(&self, kind: &str) -> Vec<&str> {
        of_kind(&self.answer, kind)
    }

    /// The data of all additional records of one type.
    pub fn glue(&self, kind: &str) -> Vec<&str> {
        of_kind(&self.additional, kind)
    }

    /// The same with each kind of data sorted: for answers whose order is not the question.
    pub fn sorted(&self, kind: &str) -> Vec<&str> {
        let mut data = self.data(kind);
        data.sort_unstable();
        data
    }

    /// Fails unless this is an authoritative negative answer: no data, one SOA of `zone`.
    pub fn assert_negative(&self, status: &str, zone: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert!(self.answer.is_empty(), "a negative answer holds no data: {self:?}");
        assert!(self.flags.iter().any(|flag| flag == "aa"), "a negative answer is authoritative: {self:?}");
        let soa: Vec<&str> = self.authority.iter().filter(|r| r.kind == "SOA").map(|r| r.name.as_str()).collect();
        assert_eq!(soa, [zone], "exactly one SOA, of the zone: {self:?}");
    }
}

fn of_kind<'a>(records: &'a [Record], kind: &str) -> Vec<&'a str> {
    records.iter().filter(|record| record.kind == kind).map(|record| record.data.as_str()).collect()
}

#[test]
fn a_reply_with_all_sections() {
    let reply = parse(
        ";; WARNING: .local is reserved for Multicast DNS\n\
         ;; Got answer:\n;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 41\n\
         ;; flags: qr aa rd; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 2\n\n\
         ;; OPT PSEUDOSECTION:\n; EDNS: version: 0, flags:; udp: 1232\n; EDE: 3 (Stale Answer): (west)\n\
         ;; QUESTION SECTION:\n;_http._tcp.web.shop.svc.clusterset.local. IN SRV\n\n\
         ;; ANSWER SECTION:\n_http._tcp.web.shop.svc.clusterset.local. 5 IN SRV 0 1 80 Web.shop.svc.clusterset.local.\n\n\
         ;; ADDITIONAL SECTION:\nweb.shop.svc.clusterset.local. 5\tIN\tA\t10.1.0.7\n",
    )
    .expect("a reply");
    assert_eq!((reply.status.as_str(), reply.errors.as_slice()), ("NOERROR", [3].as_slice()));
    assert_eq!(reply.flags, ["qr", "aa", "rd"]);
    assert_eq!(reply.data("SRV"), ["0 1 80 web.shop.svc.clusterset.local."]);
    assert_eq!(reply.glue("A"), ["10.1.0.7"]);
    assert_eq!(reply.additional[0].ttl, 5);
    assert!(reply.authority.is_empty());
}

#[test]
fn no_reply() {
    let text = ";; communications error to 127.0.0.1#53: timed out\n;; no servers could be reached\n";
    assert_eq!(parse(text), None);
}
