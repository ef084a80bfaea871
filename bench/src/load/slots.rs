//! Queries under way on one socket: a slot each, found again by the reply's id.

/// Most slots of one socket.
pub const MOST: usize = 64;

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    id: u16,
    busy: bool,
    question: u32,
    due: u64,
    sent: u64,
}

/// The slots. An id is a slot number with a turn above it, so that a late reply of an earlier turn is recognised.
#[derive(Debug)]
pub struct Slots {
    slots: Vec<Slot>,
    free: Vec<u16>,
}

impl Slots {
    /// `window` slots, at most [`MOST`].
    pub fn new(window: usize) -> Self {
        let window = window.clamp(1, MOST);
        let free = (0..window as u16).rev().collect();
        Slots { slots: (0..window).map(|n| Slot { id: n as u16, ..Slot::default() }).collect(), free }
    }

    pub fn free(&self) -> usize {
        self.free.len()
    }

    pub fn is_idle(&self) -> bool {
        self.free.len() == self.slots.len()
    }

    /// Occupies a slot and returns its id; times in nanoseconds of one clock.
    pub fn take(&mut self, question: u32, due: u64, sent: u64) -> Option<u16> {
        let slot = &mut self.slots[usize::from(self.free.pop()?)];
        *slot = Slot { id: slot.id.wrapping_add(MOST as u16), busy: true, question, due, sent };
        Some(slot.id)
    }

    /// Frees the slot of an id: question and due time. `None` for an id that is not under way.
    pub fn give_back(&mut self, id: u16) -> Option<(u32, u64)> {
        let number = usize::from(id) % MOST;
        let slot = self.slots.get_mut(number).filter(|slot| slot.busy && slot.id == id)?;
        slot.busy = false;
        self.free.push(number as u16);
        Some((slot.question, slot.due))
    }

    /// Frees every slot sent before `limit`: their questions.
    pub fn expire(&mut self, limit: u64) -> Vec<u32> {
        let mut expired = Vec::new();
        for (number, slot) in self.slots.iter_mut().enumerate() {
            if slot.busy && slot.sent < limit {
                slot.busy = false;
                self.free.push(number as u16);
                expired.push(slot.question);
            }
        }
        expired
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_reply_does_not_free_the_next_turn() {
        let mut slots = Slots::new(1);
        let first = slots.take(7, 0, 10).unwrap();
        assert_eq!(slots.take(8, 0, 10), None);
        assert_eq!(slots.expire(11), [7]);
        let second = slots.take(8, 5, 20).unwrap();
        assert_eq!(slots.give_back(first), None);
        assert_eq!(slots.give_back(second), Some((8, 5)));
        assert_eq!(slots.give_back(second), None, "twice");
        assert!(slots.is_idle());
    }
}
