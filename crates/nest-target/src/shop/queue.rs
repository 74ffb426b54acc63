//! The bounded queue between the network thread and the workers.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard};

/// First in, first out; full and closed queues refuse. Written here because `std`'s channel has one receiver
/// only.
#[derive(Debug)]
pub(crate) struct BoundedQueue<T> {
    state: Mutex<QueueState<T>>,
    arrival: Condvar,
    capacity: usize,
}

#[derive(Debug)]
struct QueueState<T> {
    waiting: VecDeque<T>,
    closed: bool,
}

impl<T> BoundedQueue<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            state: Mutex::new(QueueState {
                waiting: VecDeque::new(),
                closed: false,
            }),
            arrival: Condvar::new(),
            capacity,
        }
    }

    /// Adds an entry without waiting; returns it if the queue is full or closed.
    pub(crate) fn push(&self, entry: T) -> Result<(), T> {
        let mut state = self.state();
        if state.closed || state.waiting.len() >= self.capacity {
            return Err(entry);
        }
        state.waiting.push_back(entry);
        drop(state);
        self.arrival.notify_one();
        Ok(())
    }

    /// Takes the oldest out, waiting for one to arrive; `None` once the queue is closed.
    pub(crate) fn pop(&self) -> Option<T> {
        let state = self.state();
        let idle = |state: &mut QueueState<T>| state.waiting.is_empty() && !state.closed;
        self.arrival
            .wait_while(state, idle)
            .expect("no holder of the queue panics")
            .waiting
            .pop_front()
    }

    /// Refuses new entries, drops those that wait, and ends the workers.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.waiting.clear();
        drop(state);
        self.arrival.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, QueueState<T>> {
        self.state.lock().expect("no holder of the queue panics")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_in_is_first_out_and_a_full_queue_refuses() {
        let queue = BoundedQueue::new(2);
        assert_eq!(
            (queue.push(1), queue.push(2), queue.push(3)),
            (Ok(()), Ok(()), Err(3))
        );
        assert_eq!((queue.pop(), queue.pop()), (Some(1), Some(2)));
        assert_eq!(queue.push(4), Ok(()));
    }

    #[test]
    fn a_closed_queue_sends_every_worker_home() {
        let queue = BoundedQueue::new(2);
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..3).map(|_| scope.spawn(|| queue.pop())).collect();
            queue.close();
            assert!(
                workers
                    .into_iter()
                    .all(|worker| worker.join().expect("a worker does not panic").is_none())
            );
        });
        assert_eq!(queue.push(1), Err(1));
    }
}
