//! What a connection that ended without an answer means for its request. Three losses are told apart: the
//! target never began with the request, it had closed the idle connection before the request came, or it took
//! the request and failed. docs/method/load.md has the rule.

use super::NoAnswer;

/// Why an exchange gave no answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Failed {
    /// Nothing of the request left, so that it was never on the wire. It may be sent, whatever its method:
    /// RFC 9110, section 9.2.2.
    Unsent(&'static str),
    /// The target says that it has not begun with the request. It may be sent again, whatever its method: RFC
    /// 9113, section 8.7.
    Unprocessed(&'static str),
    /// The target had closed the idle connection before the request came. It may be sent again if its
    /// method is idempotent: RFC 9112, section 9.3.1.
    ClosedIdle,
    /// Anything else.
    For(NoAnswer),
}

impl From<NoAnswer> for Failed {
    fn from(no_answer: NoAnswer) -> Self {
        Self::For(no_answer)
    }
}

/// What is known of a connection that ended before anything of the answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evidence {
    /// Whether it had brought an answer before.
    pub used: bool,
    /// Whether anything of the request had left.
    pub left: bool,
    /// Whether it was reset, and not closed.
    pub reset: bool,
    /// Whether the target's system had taken anything of the request before it closed.
    pub taken: bool,
}

impl Evidence {
    /// Which loss it was.
    ///
    /// A new connection that ends was never idle. A reset does not tell what was taken, so that it counts
    /// as the target's failure.
    pub fn loss(self) -> Failed {
        match self {
            Self {
                used: true,
                left: false,
                ..
            } => Failed::Unsent(NOTHING_LEFT),
            Self {
                used: true,
                reset: false,
                taken: false,
                ..
            } => Failed::ClosedIdle,
            Self { reset: true, .. } => {
                lost("the target reset the connection before anything of the answer came")
            }
            _ => lost("the connection was closed before anything of the answer came"),
        }
    }
}

/// The connection had ended before a byte of the request was sent.
pub const NOTHING_LEFT: &str = "the connection had ended before anything of the request was sent";

/// A connection that the target ended in the middle.
pub fn lost(reason: impl ToString) -> Failed {
    Failed::For(NoAnswer::new(NoAnswer::LOST, reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Evidence = Evidence {
        used: true,
        left: true,
        reset: false,
        taken: false,
    };

    fn is_lost(evidence: Evidence) -> bool {
        matches!(evidence.loss(), Failed::For(no_answer) if no_answer.kind == NoAnswer::LOST)
    }

    #[test]
    fn what_never_left_may_be_sent() {
        for reset in [false, true] {
            let evidence = Evidence {
                left: false,
                reset,
                ..QUIET
            };
            assert_eq!(evidence.loss(), Failed::Unsent(NOTHING_LEFT));
        }
    }

    #[test]
    fn a_closed_idle_connection_took_nothing() {
        assert_eq!(QUIET.loss(), Failed::ClosedIdle);
    }

    #[test]
    fn what_was_taken_is_lost_however_the_connection_ends() {
        assert!(is_lost(Evidence { taken: true, ..QUIET }));
        assert!(is_lost(Evidence { reset: true, ..QUIET }));
        assert!(is_lost(Evidence {
            reset: true,
            taken: true,
            ..QUIET
        }));
    }

    #[test]
    fn a_new_connection_that_ends_is_lost() {
        for left in [false, true] {
            assert!(is_lost(Evidence {
                used: false,
                left,
                ..QUIET
            }));
        }
    }
}
