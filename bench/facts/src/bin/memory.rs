//! Prints octets per structure: the facts of each kind, what is published, the table. With `SIZES` set in the environment,
//! also how many allocations of which sizes they are.

use clusterset_dns_facts::{numbers, scale, world};
use scale::Weight;
use std::collections::BTreeMap;

#[global_allocator]
static ALLOCATOR: scale::Scale = scale::Scale;

fn main() -> anyhow::Result<()> {
    let (set, []) = numbers("facts-memory SERVICES CLUSTERS")?;
    let mut world = world::World::new(&set)?;
    let mut lines: BTreeMap<&str, (u64, Weight)> = BTreeMap::new();
    let mut seen = Weight::now();
    world.load(|what, count| {
        let now = Weight::now();
        let (objects, weight) = lines.entry(what).or_default();
        *objects += count;
        *weight += now - std::mem::replace(&mut seen, now);
    });
    let services = u64::from(set.services);
    println!("| what | how many | octets | per service | each |\n|---|---|---|---|---|");
    let line = |what: &str, count: u64, weight: Weight| {
        let octets = weight.octets;
        let (per_service, each) = (octets / services as isize, octets / count.max(1) as isize);
        println!("| {what} | {count} | {octets} | {per_service} | {each} |");
        if std::env::var_os("SIZES").is_some() {
            println!("{}", weight.sizes());
        }
    };
    lines.iter().filter(|(_, (count, _))| *count > 0).for_each(|(what, (count, weight))| line(what, *count, *weight));
    let whole = Weight::now();
    let table = world.into_table();
    let published = Weight::now();
    let figures = table.figures();
    drop(table);
    line("the table", figures.names, published - Weight::now());
    line("the publisher, facts and all", services, whole - published);
    println!("{} names, {} octets by the table's own count", figures.names, figures.bytes);
    Ok(())
}
