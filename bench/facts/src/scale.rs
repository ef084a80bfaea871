//! An allocator that weighs what lives, in the size classes of jemalloc: what the process pays, not what it asked for.

use std::alloc::{GlobalAlloc, Layout, System};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicIsize, Ordering};

/// Size classes up to 8 EiB are fewer.
const CLASSES: usize = 256;

static LIVE: [AtomicIsize; CLASSES] = [const { AtomicIsize::new(0) }; CLASSES];

/// Counts and passes on.
pub struct Scale;

/// The number of a size class and its octets: multiples of 16 up to 128, from there four a doubling.
fn class(size: usize) -> (usize, usize) {
    if size <= 128 {
        let sixteens = size.div_ceil(16).max(1);
        return (sixteens, 16 * sixteens);
    }
    let doubling = (size - 1).ilog2() as usize;
    let step = 1 << (doubling - 2);
    let octets = size.div_ceil(step) * step;
    (9 + 4 * (doubling - 7) + (octets - (1 << doubling)) / step - 1, octets)
}

fn octets(class: usize) -> usize {
    if class < 9 {
        return 16 * class;
    }
    let (doubling, steps) = (7 + (class - 9) / 4, (class - 9) % 4 + 1);
    (1 << doubling) + steps * (1 << (doubling - 2))
}

// SAFETY: every call is handed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Scale {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE[class(layout.size()).0].fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of GlobalAlloc.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE[class(layout.size()).0].fetch_sub(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of GlobalAlloc, and `alloc` above is the system's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// What lives, or what came to it.
#[derive(Clone, Copy)]
pub struct Weight {
    pub octets: isize,
    counts: [isize; CLASSES],
}

impl Default for Weight {
    fn default() -> Self {
        Weight { octets: 0, counts: [0; CLASSES] }
    }
}

impl Weight {
    /// All that lives now.
    pub fn now() -> Self {
        let counts: [isize; CLASSES] = std::array::from_fn(|class| LIVE[class].load(Ordering::Relaxed));
        let octets = counts.iter().enumerate().map(|(class, count)| octets(class) as isize * count).sum();
        Weight { octets, counts }
    }

    /// A line per size of which there is much.
    pub fn sizes(&self) -> String {
        let mut text = String::new();
        for (class, count) in self.counts.iter().enumerate() {
            let whole = octets(class) as isize * count;
            if whole.abs() * 50 > self.octets.abs() {
                let _ = writeln!(text, "    {count:>9} of {:>9}: {whole}", octets(class));
            }
        }
        text
    }
}

impl std::ops::Sub for Weight {
    type Output = Weight;

    fn sub(self, before: Weight) -> Weight {
        let counts = std::array::from_fn(|class| self.counts[class] - before.counts[class]);
        Weight { octets: self.octets - before.octets, counts }
    }
}

impl std::ops::AddAssign for Weight {
    fn add_assign(&mut self, more: Weight) {
        self.octets += more.octets;
        self.counts.iter_mut().zip(more.counts).for_each(|(count, more)| *count += more);
    }
}

#[cfg(test)]
mod tests {
    use super::{class, octets};

    #[test]
    fn classes_are_those_of_jemalloc() {
        let sizes =
            [(1, 16), (16, 16), (17, 32), (128, 128), (129, 160), (161, 192), (257, 320), (1024, 1024), (1025, 1280)];
        for (size, rounded) in sizes {
            let (number, octets_of_class) = class(size);
            assert_eq!((octets_of_class, octets(number)), (rounded, rounded), "{size}");
        }
    }
}
