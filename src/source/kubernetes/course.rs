//! The course of one kind: what to do next after what was met (RESILIENCE.md 4.1). A pure state machine.
//!
//! In: the outcome of the last step. Out: what to report, how long to pause, the next step.
//!
//! ```text
//!  Discover ──served──▶ List ──whole──▶ Watch ──clean end──▶ Watch
//!     ▲  ▲               ▲ ▲               │
//!     │  └──── 404 ──────┘ └── 410 ────────┤
//!     │                    ▲               └─any other fault─▶ Check ──not below ours──▶ Watch
//!     └─ absent, 60 s      └──resourceVersion below ours─────────┘
//! ```

/// The next thing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Ask which version of the kind is served.
    Discover,
    /// List the kind whole.
    List(Reason),
    /// Watch from the last resourceVersion.
    Watch,
    /// List with `limit=1`: has the server gone back behind us?
    Check,
}

/// Why a kind is listed: the label `reason` of `cluster_syncs_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// For the first time, or again after it was absent.
    Start,
    /// The API server no longer holds our resourceVersion (410).
    Expired,
    /// Its resourceVersion is below ours: etcd was restored.
    Backwards,
    /// The watch could not be understood.
    Garbled,
    /// The brake or the probe asked for it.
    Requested,
}

impl Reason {
    pub const ALL: [Reason; 5] =
        [Reason::Start, Reason::Expired, Reason::Backwards, Reason::Garbled, Reason::Requested];

    /// The label in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::Start => "start",
            Reason::Expired => "expired",
            Reason::Backwards => "backwards",
            Reason::Garbled => "garbled",
            Reason::Requested => "requested",
        }
    }
}

/// What the last step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Met {
    Served,
    NotServed,
    /// The whole list is in; its resourceVersion.
    Listed,
    /// The watch ended as asked.
    Ended,
    /// `limit=1` answered; whether its resourceVersion is below ours or cannot be compared.
    Checked {
        backwards: bool,
    },
    /// Someone asked for a new list.
    Asked,
    Fault(Class),
}

/// The faults that lead to different steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// 410, as status or event.
    Gone,
    /// 404.
    Missing,
    /// 403.
    Forbidden,
    /// A frame that is no watch event: what it changed is unknown.
    Garbled,
    Other,
}

/// How long to wait before the next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    None,
    /// Exponential, with `Retry-After`.
    Backoff,
    /// Until the next look for an absent kind.
    Reprobe,
    /// Until the second discovery that must agree.
    Confirm,
}

/// What the model is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    Nothing,
    /// The fault, as `Change::Failed`.
    Failed,
    /// Not served, or forbidden while optional: `Change::Absent`.
    Absent,
}

/// Everything that follows from one outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    pub report: Report,
    pub pause: Pause,
    pub next: Step,
}

/// The state of one kind.
#[derive(Debug, Clone)]
pub struct Course {
    step: Step,
    discovered: bool,
    optional: bool,
    synced: bool,
    /// Discoveries in a row that did not find a kind which was served.
    absences: u32,
    /// 410s in a row without a healthy watch between them.
    gone: u32,
}

impl Course {
    /// `discovered`: the kind may be missing; `optional`: a 403 before the first list means absence.
    pub fn new(discovered: bool, optional: bool) -> Self {
        let step = if discovered { Step::Discover } else { Step::List(Reason::Start) };
        Course { step, discovered, optional, synced: false, absences: 0, gone: 0 }
    }

    /// What to do now.
    pub fn step(&self) -> Step {
        self.step
    }

    /// True once a list was whole and the kind has not become absent since.
    pub fn is_synced(&self) -> bool {
        self.synced
    }

    /// A watch lived long enough to be called healthy.
    pub fn healthy(&mut self) {
        self.gone = 0;
    }

    /// Takes the outcome of the current step.
    pub fn meet(&mut self, met: Met) -> Move {
        let result = match met {
            Met::Served => self.served(),
            Met::NotServed => self.not_served(),
            Met::Listed => {
                self.synced = true;
                go(Step::Watch)
            }
            Met::Ended => {
                self.gone = 0;
                go(Step::Watch)
            }
            Met::Checked { backwards: true } => go(Step::List(Reason::Backwards)),
            Met::Checked { backwards: false } => go(Step::Watch),
            Met::Asked => go(Step::List(Reason::Requested)),
            Met::Fault(class) => self.fault(class),
        };
        self.step = result.next;
        result
    }

    fn served(&mut self) -> Move {
        self.absences = 0;
        // After a 404 the version may be another one, so a synced kind is listed again too.
        go(Step::List(if self.synced { Reason::Requested } else { Reason::Start }))
    }

    fn not_served(&mut self) -> Move {
        self.absences += 1;
        if self.synced && self.absences < 2 {
            return Move { report: Report::Failed, pause: Pause::Confirm, next: Step::Discover };
        }
        self.synced = false;
        Move { report: Report::Absent, pause: Pause::Reprobe, next: Step::Discover }
    }

    fn fault(&mut self, class: Class) -> Move {
        let failed = |next| Move { report: Report::Failed, pause: Pause::Backoff, next };
        match (self.step, class) {
            (Step::Discover, _) => failed(Step::Discover),
            (_, Class::Missing) if self.discovered => failed(Step::Discover),
            (step, Class::Forbidden) if self.optional && !self.synced => {
                Move { report: Report::Absent, pause: Pause::Reprobe, next: step }
            }
            (Step::Watch | Step::Check, Class::Gone) => self.expired(),
            (Step::Watch, Class::Garbled) => failed(Step::List(Reason::Garbled)),
            (Step::Watch | Step::Check, _) => failed(Step::Check),
            (Step::List(reason), _) => failed(Step::List(reason)),
        }
    }

    /// One 410 is daily business; a server that answers each new list with the next 410 is a fault.
    fn expired(&mut self) -> Move {
        self.gone += 1;
        let next = Step::List(Reason::Expired);
        match self.gone {
            1 => go(next),
            _ => Move { report: Report::Failed, pause: Pause::Backoff, next },
        }
    }
}

fn go(next: Step) -> Move {
    Move { report: Report::Nothing, pause: Pause::None, next }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watching(discovered: bool, optional: bool) -> Course {
        let mut course = Course::new(discovered, optional);
        if discovered {
            course.meet(Met::Served);
        }
        course.meet(Met::Listed);
        assert_eq!(course.step(), Step::Watch);
        course
    }

    fn moves(course: &mut Course, met: Met) -> (Report, Pause, Step) {
        let result = course.meet(met);
        (result.report, result.pause, result.next)
    }

    #[test]
    fn a_quiet_life_lists_once_and_watches_for_ever() {
        let mut course = watching(false, false);
        for _ in 0..5 {
            assert_eq!(moves(&mut course, Met::Ended), (Report::Nothing, Pause::None, Step::Watch));
        }
    }

    #[test]
    fn a_410_relists_at_once_but_a_row_of_them_backs_off() {
        let mut course = watching(false, false);
        let relist = Step::List(Reason::Expired);
        assert_eq!(moves(&mut course, Met::Fault(Class::Gone)), (Report::Nothing, Pause::None, relist));
        course.meet(Met::Listed);
        assert_eq!(moves(&mut course, Met::Fault(Class::Gone)), (Report::Failed, Pause::Backoff, relist));
        course.meet(Met::Listed);
        course.meet(Met::Ended);
        assert_eq!(moves(&mut course, Met::Fault(Class::Gone)), (Report::Nothing, Pause::None, relist));
    }

    #[test]
    fn every_other_fault_of_a_watch_is_checked_before_it_resumes() {
        for class in [Class::Other, Class::Forbidden, Class::Missing] {
            let mut course = watching(false, true);
            assert_eq!(moves(&mut course, Met::Fault(class)), (Report::Failed, Pause::Backoff, Step::Check));
            assert_eq!(moves(&mut course, Met::Fault(class)), (Report::Failed, Pause::Backoff, Step::Check));
            assert_eq!(course.meet(Met::Checked { backwards: false }).next, Step::Watch);
            course.meet(Met::Fault(class));
            assert_eq!(course.meet(Met::Checked { backwards: true }).next, Step::List(Reason::Backwards));
        }
    }

    #[test]
    fn a_failing_list_is_tried_again_for_the_same_reason() {
        let mut course = Course::new(false, false);
        let again = (Report::Failed, Pause::Backoff, Step::List(Reason::Start));
        for class in [Class::Other, Class::Forbidden, Class::Gone, Class::Missing] {
            assert_eq!(moves(&mut course, Met::Fault(class)), again, "{class:?}");
        }
    }

    #[test]
    fn a_forbidden_optional_kind_is_absent_only_before_its_first_list() {
        let mut course = Course::new(false, true);
        let absent = (Report::Absent, Pause::Reprobe, Step::List(Reason::Start));
        assert_eq!(moves(&mut course, Met::Fault(Class::Forbidden)), absent);
        course.meet(Met::Listed);
        assert_eq!(course.meet(Met::Fault(Class::Forbidden)).report, Report::Failed);
    }

    #[test]
    fn absence_needs_discovery_and_for_a_known_kind_two_that_agree() {
        let mut course = Course::new(true, false);
        assert_eq!(course.meet(Met::Fault(Class::Missing)).report, Report::Failed, "discovery itself failed");
        let absent = (Report::Absent, Pause::Reprobe, Step::Discover);
        assert_eq!(moves(&mut course, Met::NotServed), absent);
        assert_eq!(course.meet(Met::Served).next, Step::List(Reason::Start));
        course.meet(Met::Listed);
        assert_eq!(course.meet(Met::Fault(Class::Missing)).next, Step::Discover);
        assert_eq!(moves(&mut course, Met::NotServed), (Report::Failed, Pause::Confirm, Step::Discover));
        assert_eq!(moves(&mut course, Met::NotServed), absent);
        assert!(!course.is_synced());
    }

    #[test]
    fn a_garbled_frame_and_a_request_list_again() {
        let mut course = watching(false, false);
        assert_eq!(course.meet(Met::Fault(Class::Garbled)).next, Step::List(Reason::Garbled));
        course.meet(Met::Listed);
        assert_eq!(course.meet(Met::Asked).next, Step::List(Reason::Requested));
    }
}
