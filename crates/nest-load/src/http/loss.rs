//! What a connection that ended without an answer means for its request. Three losses are told apart: the
//! target never began with the request, it had closed the idle connection before the request came, or it took
//! the request and failed. docs/method/load.md has the rule.

use std::time::Duration;

use super::{NoAnswer, socket::Fate};

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

/// Time after a request within which a reset comes from a connection that the target had closed, or closes
/// without having looked at it. Our choice: a close that crosses with a request comes a moment after it, even
/// on a machine that is busy; work that fails takes longer.
const AT_ONCE: Duration = Duration::from_millis(25);

/// What is known of a connection that ended before anything of the answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evidence {
    /// Whether it had brought an answer before.
    pub used: bool,
    /// Whether it was reset, and not closed.
    pub reset: bool,
    /// What became of the request.
    pub fate: Fate,
    /// Whether the target still reads, although it has ended its side.
    pub lingers: bool,
}

impl Evidence {
    /// Which loss it was. A new connection that ends was never idle.
    pub fn loss(self) -> Failed {
        match self {
            _ if !self.used => lost("the connection was closed before anything of the answer came"),
            _ if self.fate.sent == 0 => Failed::Unsent(NOTHING_LEFT),
            _ if self.was_idle() => Failed::ClosedIdle,
            _ if self.reset => lost("the target took the request and reset the connection"),
            _ => lost("the target took the request and closed the connection"),
        }
    }

    /// Whether the target had closed the connection before it looked at the request.
    ///
    /// - closed, and nothing was acknowledged: the end had left before the request came
    /// - closed, and the target still reads: its program ended the connection in order and throws away what
    ///   comes
    /// - reset at once: the request came to a connection that was gone, or that its program closed without
    ///   having read it. If a part was acknowledged, it had begun to read
    fn was_idle(self) -> bool {
        let Fate { sent, acked, elapsed } = self.fate;
        if self.reset {
            (acked == 0 || acked == sent) && elapsed <= AT_ONCE
        } else {
            acked == 0 || self.lingers
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

    /// A closed connection that took nothing of a request of 100 bytes.
    const QUIET: Evidence = Evidence {
        used: true,
        reset: false,
        fate: Fate {
            sent: 100,
            acked: 0,
            elapsed: Duration::ZERO,
        },
        lingers: false,
    };

    fn with(acked: u64, elapsed_ms: u64, reset: bool, lingers: bool) -> Evidence {
        let elapsed = Duration::from_millis(elapsed_ms);
        let fate = Fate {
            sent: 100,
            acked,
            elapsed,
        };
        Evidence {
            fate,
            reset,
            lingers,
            ..QUIET
        }
    }

    fn is_lost(evidence: Evidence) -> bool {
        matches!(evidence.loss(), Failed::For(no_answer) if no_answer.kind == NoAnswer::LOST)
    }

    #[test]
    fn what_never_left_may_be_sent() {
        for reset in [false, true] {
            let fate = Fate {
                sent: 0,
                ..QUIET.fate
            };
            let evidence = Evidence { fate, reset, ..QUIET };
            assert_eq!(evidence.loss(), Failed::Unsent(NOTHING_LEFT));
        }
    }

    #[test]
    fn a_connection_that_was_closed_before_the_request_was_idle_however_late_that_is_seen() {
        for elapsed_ms in [0, 1_000] {
            assert_eq!(with(0, elapsed_ms, false, false).loss(), Failed::ClosedIdle);
            assert_eq!(
                with(100, elapsed_ms, false, true).loss(),
                Failed::ClosedIdle,
                "it lingers"
            );
        }
        for acked in [0, 100] {
            assert_eq!(with(acked, 1, true, false).loss(), Failed::ClosedIdle, "not read");
        }
    }

    #[test]
    fn what_was_taken_is_lost_however_the_connection_ends() {
        for elapsed_ms in [0, 1_000] {
            assert!(is_lost(with(100, elapsed_ms, false, false)), "read, then closed");
            assert!(
                is_lost(with(60, elapsed_ms, false, false)),
                "partly read, then closed"
            );
            assert!(
                is_lost(with(60, elapsed_ms, true, false)),
                "partly read, then reset"
            );
        }
        for acked in [0, 100] {
            assert!(
                is_lost(with(acked, 100, true, false)),
                "reset in the middle of work"
            );
        }
    }

    #[test]
    fn a_new_connection_that_ends_is_lost() {
        for sent in [0, 100] {
            let fate = Fate { sent, ..QUIET.fate };
            assert!(is_lost(Evidence {
                used: false,
                fate,
                ..QUIET
            }));
        }
    }
}
