//! Laws of waiting: at a limit whose holding times are more or less regular, and at the measured resources
//! beside it.

use super::spread::OfResources;

/// A law of waiting, with a limit or without one.
///
/// Every prior below was chosen by hand: centres follow from the queueing formulas named at each, widths and
/// probabilities are judgement. They were checked, not fitted, on simulated systems
/// (`tests/hidden_bottleneck.rs`, `bench/run`) and on the locks of the demo shop; other targets may differ.
/// `docs/method/hidden-bottleneck.md` says how often the verdict was right.
pub(super) struct BottleneckLaw {
    /// Squared coefficient of variation of the holding time.
    pub(super) cv2: f64,
    /// Wait at the limit over that of exponential holding times, `(1 + cv^2) / 2`: centre and deviation of
    /// the prior.
    pub(super) wait: (f64, f64),
    /// Queueing at the measured resources over that of processor sharing, for its part that grows with the
    /// execution's own demand.
    pub(super) own_queue: (f64, f64),
    /// The same for the part that all executions share.
    pub(super) shared_queue: (f64, f64),
    /// What queueing at the measured resources adds to a variance.
    pub(super) spread: OfResources,
    /// Whether the measured resources are spared a part of their queue, so that they must have more room than
    /// the limit.
    pub(super) sparing: bool,
    /// Probability, given that there is a limit.
    pub(super) weight: f64,
}

/// Queueing at the measured resources if nothing smooths what comes to them. `wait` is 1 by definition of
/// exponential times; the queue of an execution lies between processor sharing (own 1, shared 0) and order of
/// arrival (own 0, shared 1): 0.6 and 0.4, so wide that both lie within about one deviation. All chosen by
/// hand.
pub(super) const PLAIN: BottleneckLaw = BottleneckLaw {
    cv2: 1.0,
    wait: (1.0, 0.15),
    own_queue: (0.6, 0.35),
    shared_queue: (0.4, 0.35),
    spread: [(0.25, 0.25), (0.4, 0.4), (0.4, 0.4)],
    sparing: false,
    weight: 0.25,
};
/// From constant to exponential holding times. Constant times in a row queue at the narrowest place only, so
/// that the measured resources before or behind a lock may have next to no queue of their own.
///
/// `wait` is Pollaczek and Khinchine's factor `(1 + cv^2) / 2`. Chosen by hand: the queues of `sparing` (0.15
/// and 0.05, nearly none), those at cv^2 = 0.5 (between the two others), the spreads, and the weights, which
/// give constant times a little more than half.
///
/// Source: Friedman, "Reduction methods for tandem queuing systems", Operations Research 13(1), 1965.
pub(super) const LAWS: [BottleneckLaw; 4] = [
    BottleneckLaw {
        cv2: 0.0,
        wait: (0.5, 0.06),
        own_queue: (0.15, 0.25),
        shared_queue: (0.05, 0.2),
        spread: [(0.05, 0.1), (0.2, 0.3), (0.1, 0.2)],
        sparing: true,
        weight: 0.3,
    },
    BottleneckLaw {
        cv2: 0.0,
        wait: (0.5, 0.06),
        weight: 0.25,
        ..PLAIN
    },
    BottleneckLaw {
        cv2: 0.5,
        wait: (0.75, 0.12),
        own_queue: (0.35, 0.35),
        shared_queue: (0.2, 0.3),
        spread: [(0.15, 0.2), (0.3, 0.35), (0.25, 0.3)],
        sparing: false,
        weight: 0.2,
    },
    PLAIN,
];
