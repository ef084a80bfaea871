//! The publisher with a bench clusterset in memory, without sockets: what a change costs and what facts weigh.

pub mod scale;
pub mod world;

use anyhow::Context as _;
use clusterset_dns_bench::clusterset::Clusterset;

/// The numbers on the command line: services, clusters, and what else the program takes.
///
/// # Errors
/// One is missing or no number.
pub fn numbers<const N: usize>(usage: &str) -> anyhow::Result<(Clusterset, [u32; N])> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().and_then(|text| text.parse().ok()).with_context(|| format!("usage: {usage}"));
    let set = Clusterset::new(next()?, next()?)?;
    let mut rest = [0; N];
    for number in &mut rest {
        *number = next()?;
    }
    Ok((set, rest))
}
