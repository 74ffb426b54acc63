//! How much of bodies is kept in memory at once, over all customers: what is checked or saved from is kept
//! whole until it has come.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::NoAnswer;

/// Most bytes of bodies that are kept at once. Our choice: four bodies of the longest kind that is read
/// unless a study says otherwise.
const MOST: u64 = 256 << 20;
/// Bodies up to so many bytes are not counted: nearly all are, and counting costs time.
const UNCOUNTED: usize = 16 << 10;

/// The bytes of bodies that are kept, and how many may be.
#[derive(Debug)]
pub struct KeptBodies {
    most: u64,
    kept: AtomicU64,
}

/// What is kept of one body, of which it gives back what was counted.
#[derive(Debug, Default)]
pub struct KeptBody<'a> {
    bodies: Option<&'a KeptBodies>,
    counted: usize,
}

impl KeptBodies {
    /// Room for 256 MiB, and for one body of the `longest` kind.
    pub fn new(longest: u64) -> Self {
        Self {
            most: MOST.max(longest),
            kept: AtomicU64::new(0),
        }
    }

    fn take(&self, bytes: usize) -> bool {
        let kept = self.kept.fetch_add(bytes as u64, Relaxed);
        let has_room = kept.saturating_add(bytes as u64) <= self.most;
        if !has_room {
            self.give_back(bytes);
        }
        has_room
    }

    fn give_back(&self, bytes: usize) {
        self.kept.fetch_sub(bytes as u64, Relaxed);
    }
}

impl<'a> KeptBody<'a> {
    /// Nothing yet of a body that counts towards `bodies`.
    pub fn of(bodies: Option<&'a KeptBodies>) -> Self {
        Self { bodies, counted: 0 }
    }

    /// Appends bytes to the body.
    ///
    /// # Errors
    /// A failure of kind `memory` if there is no room for it.
    pub fn append(&mut self, body: &mut Vec<u8>, bytes: &[u8]) -> Result<(), NoAnswer> {
        let length = body.len() + bytes.len();
        if length > body.capacity() && length > UNCOUNTED {
            let capacity = length.max(2 * body.capacity());
            self.count(capacity)?;
            body.reserve_exact(capacity - body.len());
        }
        body.extend_from_slice(bytes);
        Ok(())
    }

    fn count(&mut self, capacity: usize) -> Result<(), NoAnswer> {
        let Some(bodies) = self.bodies else { return Ok(()) };
        if !bodies.take(capacity - self.counted) {
            let reason = format!(
                "the generator keeps {} MiB of answers that are checked or saved from, and has no room for \
                 this one: use fewer customers, or a lower `longest_body`",
                bodies.most >> 20
            );
            return Err(NoAnswer::new(NoAnswer::MEMORY, reason));
        }
        self.counted = capacity;
        Ok(())
    }
}

impl Drop for KeptBody<'_> {
    fn drop(&mut self) {
        if let Some(bodies) = self.bodies.filter(|_| self.counted > 0) {
            bodies.give_back(self.counted);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_share_one_room_and_leave_it_when_they_go() {
        let bodies = KeptBodies {
            most: 1 << 20,
            kept: AtomicU64::new(0),
        };
        let piece = [7; 8 << 10];
        let fill = |most: usize| {
            let (mut kept, mut body) = (KeptBody::of(Some(&bodies)), Vec::new());
            while body.len() < most && kept.append(&mut body, &piece).is_ok() {}
            (kept, body)
        };
        let (first, second) = (fill(700 << 10), fill(700 << 10));
        assert!(first.1.len() >= 500 << 10, "{}", first.1.len());
        let together = first.1.capacity() + second.1.capacity();
        assert!(together <= (1 << 20) + UNCOUNTED, "{together}");
        assert!(second.1.len() < 700 << 10);
        let refused = {
            let (mut kept, mut body) = (KeptBody::of(Some(&bodies)), Vec::new());
            kept.append(&mut body, &vec![7; 1 << 20])
                .expect_err("there is no room")
        };
        assert_eq!(refused.kind, "memory");
        drop((first, second));
        assert_eq!(bodies.kept.load(Relaxed), 0);
        assert!(fill(500 << 10).1.len() >= 500 << 10);
    }

    #[test]
    fn short_bodies_are_not_counted() {
        let bodies = KeptBodies::new(0);
        let (mut kept, mut body) = (KeptBody::of(Some(&bodies)), Vec::new());
        for _ in 0..16 {
            kept.append(&mut body, &[7; 1_024]).expect("there is room");
        }
        assert_eq!((bodies.kept.load(Relaxed), body.len()), (0, 16 << 10));
    }
}
