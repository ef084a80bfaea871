//! Weights: the draw table of `answer: weighted`, and the weights of SRV rows.

/// Slots of a draw table: a share is exact to 1/64.
const SLOTS: usize = 64;

/// A table of record indexes in which each record stands in proportion to its weight; `None` when there is nothing to
/// draw (no weight at all, or equal ones, for which rotation is already exact).
///
/// Slots are taken at even distances along the summed weights, so that any run of records, such as one
/// cluster's, gets its share to within one slot however many records there are.
pub(super) fn draw_table(weights: &[u32]) -> Option<Box<[u16; SLOTS]>> {
    let total: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
    if total == 0 || weights.iter().all(|weight| *weight == weights[0]) {
        return None;
    }
    let mut slots = Box::new([0u16; SLOTS]);
    let (mut index, mut upto) = (0usize, u64::from(weights[0]));
    for (slot, at) in slots.iter_mut().zip((1u64..).step_by(2)) {
        while at * total >= upto * 2 * SLOTS as u64 {
            index += 1;
            upto += u64::from(weights[index]);
        }
        *slot = index as u16;
    }
    Some(slots)
}

/// SRV weights (RFC 2782) of rows of one priority. Without differing weights all are equal: 100 shared out, as CoreDNS
/// does. Otherwise scaled to 1..=65535; only a row of weight 0 gets 0.
pub(super) struct SrvWeights {
    most: u32,
    /// What every row gets when none differs.
    share: Option<u16>,
}

impl SrvWeights {
    /// For rows of these weights.
    pub fn new(weights: impl ExactSizeIterator<Item = u32> + Clone) -> Self {
        let most = weights.clone().max().unwrap_or(0);
        let share = (100 / weights.len().max(1)).max(1) as u16;
        SrvWeights { most, share: weights.clone().all(|weight| weight == most).then_some(share) }
    }

    /// The weight of one of the rows.
    pub fn of(&self, weight: u32) -> u16 {
        match (self.share, weight) {
            (Some(share), _) => share,
            (None, 0) => 0,
            (None, _) if self.most <= u32::from(u16::MAX) => weight as u16,
            (None, _) => (u64::from(weight) * u64::from(u16::MAX) / u64::from(self.most)).max(1) as u16,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(weights: &[u32]) -> Vec<usize> {
        let table = draw_table(weights).unwrap();
        (0..weights.len()).map(|index| table.iter().filter(|slot| usize::from(**slot) == index).count()).collect()
    }

    #[test]
    fn a_share_is_exact_to_one_slot() {
        assert_eq!(shares(&[80, 20]), [51, 13]);
        assert_eq!(shares(&[0, 1, 0, 1]), [0, 32, 0, 32]);
        let many: Vec<u32> = [vec![8; 100], vec![2; 100]].concat();
        let of_first: usize = shares(&many)[..100].iter().sum();
        assert_eq!(of_first, 51, "200 records, but the first cluster keeps its 80 %");
    }

    #[test]
    fn nothing_to_draw() {
        assert!(draw_table(&[]).is_none());
        assert!(draw_table(&[7, 7]).is_none());
        assert!(draw_table(&[0, 0]).is_none());
    }

    fn srv_weights(weights: &[u32]) -> Vec<u16> {
        let scaled = SrvWeights::new(weights.iter().copied());
        weights.iter().map(|weight| scaled.of(*weight)).collect()
    }

    #[test]
    fn srv_weights_never_round_to_nothing() {
        assert_eq!(srv_weights(&[1]), [100]);
        assert_eq!(srv_weights(&[5, 5, 5]), [33, 33, 33]);
        assert_eq!(srv_weights(&vec![1; 250]), vec![1; 250]);
        assert_eq!(srv_weights(&[80, 20, 0]), [80, 20, 0]);
        assert_eq!(srv_weights(&[1, 1_000_000]), [1, 65_535]);
    }
}
