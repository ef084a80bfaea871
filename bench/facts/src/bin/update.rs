//! Changes the endpoints of services all over the set, each change alone, with the server's allocator: callgrind counts
//! [`World::change`]. `bench/facts/update` runs it.

use clusterset_dns_facts::{numbers, world};
use world::World;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// A service and its port: the names that hold its addresses.
const NAMES: u64 = 2;

fn main() -> anyhow::Result<()> {
    let (set, [count]) = numbers("facts-update SERVICES CLUSTERS COUNT")?;
    let mut world = World::new(&set)?;
    world.load(|_, _| {});
    let changes = world::changes(&set, count)?;
    let before = world.generation();
    for change in changes {
        world.change(change);
    }
    let written = world.generation() - before;
    anyhow::ensure!(written == NAMES * u64::from(count), "{count} changes wrote {written} names");
    Ok(())
}
