//! Open sessions, in memory.

use std::collections::HashMap;

/// Most sessions kept. Beyond it the oldest is forgotten, so that memory grows only by the leak that was set.
const MOST_SESSIONS: usize = 1_000_000;

/// Customers by session token.
#[derive(Debug)]
pub(crate) struct Sessions {
    open: HashMap<String, ShopSession>,
    next_serial: u64,
    oldest_serial: u64,
    leak_bytes: usize,
}

#[derive(Debug)]
struct ShopSession {
    customer: u64,
    /// Never read: it is there to take memory.
    _leak: Vec<u8>,
}

impl Sessions {
    /// No sessions yet; each will retain `leak_bytes`.
    pub(crate) fn new(leak_bytes: usize) -> Self {
        Self {
            open: HashMap::new(),
            next_serial: 0,
            oldest_serial: 0,
            leak_bytes,
        }
    }

    /// Opens a session and returns its token.
    pub(crate) fn open(&mut self, customer: u64) -> String {
        if self.open.len() >= MOST_SESSIONS {
            self.open.remove(&token(self.oldest_serial));
            self.oldest_serial += 1;
        }
        let token = token(self.next_serial);
        self.next_serial += 1;
        // Not zeroes: the pages of a zeroed allocation take no memory until they are written.
        self.open.insert(
            token.clone(),
            ShopSession {
                customer,
                _leak: vec![1; self.leak_bytes],
            },
        );
        token
    }

    /// The customer of an open session.
    pub(crate) fn customer(&self, token: &str) -> Option<u64> {
        self.open.get(token).map(|session| session.customer)
    }

    /// Forgets all sessions and gives their memory back; tokens already given out stay spent.
    pub(crate) fn forget(&mut self) {
        self.open = HashMap::new();
        self.oldest_serial = self.next_serial;
    }
}

/// A token that looks random and never repeats: the output function of SplitMix64 is a bijection.
///
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
fn token(serial: u64) -> String {
    let mut value = (serial + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    format!("{:016x}", value ^ (value >> 31))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_splitmix64_from_seed_0() {
        // First outputs of the reference implementation, https://prng.di.unimi.it/splitmix64.c.
        assert_eq!(
            [token(0), token(1), token(2)],
            ["e220a8397b1dcdaf", "6e789e6aa1b965f4", "06c45d188009454f"]
        );
    }

    #[test]
    fn a_session_knows_its_customer_until_it_is_forgotten() {
        let mut sessions = Sessions::new(10);
        let (first, second) = (sessions.open(7), sessions.open(8));
        assert_eq!(
            (sessions.customer(&first), sessions.customer(&second)),
            (Some(7), Some(8))
        );
        assert_eq!(sessions.open[&first]._leak.len(), 10);
        sessions.forget();
        assert_eq!(sessions.customer(&first), None);
        assert_ne!(sessions.open(7), first);
    }
}
