//! A map over a slice on all cores, in order.

use std::{num::NonZero, thread};

/// `f` of every item, in the order of the items.
pub fn mapped<T: Sync, R: Send>(items: &[T], f: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let f = &f;
    thread::scope(|scope| {
        // Every thread takes every n-th item: neighbours are alike, and so the shares are.
        let workers: Vec<_> = (0..threads)
            .map(|first| {
                scope.spawn(move || {
                    items
                        .iter()
                        .skip(first)
                        .step_by(threads)
                        .map(f)
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        let mut shares: Vec<_> = workers
            .into_iter()
            .map(|worker| worker.join().expect("no thread panics").into_iter())
            .collect();
        (0..items.len())
            .filter_map(|index| shares[index % threads].next())
            .collect()
    })
}
