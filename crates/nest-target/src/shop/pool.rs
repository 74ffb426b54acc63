//! The worker threads.

use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use crate::clock::ThreadClock;
use crate::shop::queue::BoundedQueue;
use crate::shop::request::QueuedRequest;
use crate::shop::store::Store;
use crate::shop::{Clerk, Shop};
use crate::tier::client::TierClient;
use crate::{ShopOptions, TargetError};

/// Running workers; they finish their current request and end when this is dropped.
#[derive(Debug)]
pub(crate) struct WorkerPool {
    queue: Arc<BoundedQueue<QueuedRequest>>,
    threads: Vec<JoinHandle<()>>,
    clocks: Vec<ThreadClock>,
}

impl WorkerPool {
    /// Starts the workers, each with its own connections.
    pub(crate) fn start(
        options: &ShopOptions,
        shop: &Arc<Shop>,
        queue: &Arc<BoundedQueue<QueuedRequest>>,
    ) -> Result<Self, TargetError> {
        let mut pool = Self {
            queue: Arc::clone(queue),
            threads: Vec::new(),
            clocks: Vec::new(),
        };
        for _ in 0..options.workers() {
            pool.hire(options, Arc::clone(shop))?;
        }
        Ok(pool)
    }

    /// The workers' CPU clocks.
    pub(crate) fn clocks(&self) -> &[ThreadClock] {
        &self.clocks
    }

    fn hire(&mut self, options: &ShopOptions, shop: Arc<Shop>) -> Result<(), TargetError> {
        let store = Store::open(&options.database).map_err(|source| TargetError::Database {
            path: options.database.clone(),
            source,
        })?;
        let tier = options.database_tier.map(TierClient::connect).transpose()?;
        let queue = Arc::clone(&self.queue);
        let (sender, clock) = mpsc::channel();
        let work = move || {
            // The receiver waits for this below. If it were gone, the worker would still find its queue
            // closed.
            let _ = sender.send(ThreadClock::of_this_thread());
            let mut clerk = Clerk {
                shop: &shop,
                store,
                tier,
            };
            while let Some(job) = queue.pop() {
                // The work is done even if the client has hung up and no longer waits.
                let _ = job.reply.send(clerk.answer(&job.request));
            }
        };
        let thread = thread::Builder::new().name("worker".to_owned()).spawn(work);
        self.threads.push(thread.map_err(|source| TargetError::Resources {
            what: "worker thread",
            source,
        })?);
        self.clocks
            .push(clock.recv().expect("a worker sends its clock first of all"));
        Ok(())
    }
}

impl Drop for WorkerPool {
    fn drop(&mut self) {
        self.queue.close();
        for thread in self.threads.drain(..) {
            // A worker that panicked has printed a message; the others must still be waited for.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use tokio::sync::oneshot;

    use super::*;
    use crate::shop::request::{ShopExecution, ShopRequest};

    #[test]
    fn the_pool_has_as_many_workers_as_it_was_told() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let base = ShopOptions::new(folder.path().join("shop.sqlite"));
        for (options, workers) in [
            (
                ShopOptions {
                    pool: Some(1),
                    ..base.clone()
                },
                1,
            ),
            (
                ShopOptions {
                    cores: vec![0],
                    ..base.clone()
                },
                8,
            ),
            (
                ShopOptions {
                    cores: vec![0, 1],
                    ..base
                },
                16,
            ),
        ] {
            let pool = WorkerPool::start(
                &options,
                &Arc::new(Shop::new(options.clone())),
                &Arc::new(BoundedQueue::new(1)),
            )
            .expect("the pool starts");
            assert_eq!((pool.threads.len(), pool.clocks().len()), (workers, workers));
        }
    }

    #[test]
    fn work_for_a_client_that_hung_up_is_done() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let options = ShopOptions {
            pool: Some(1),
            ..ShopOptions::new(folder.path().join("shop.sqlite"))
        };
        let (shop, queue) = (
            Arc::new(Shop::new(options.clone())),
            Arc::new(BoundedQueue::new(2)),
        );
        let _pool = WorkerPool::start(&options, &shop, &queue).expect("the pool starts");
        let login = || {
            let (reply, answer) = oneshot::channel();
            let request = ShopRequest::ShopExecution(ShopExecution::Login {
                body: Bytes::from_static(br#"{"customer": 7}"#),
            });
            queue
                .push(QueuedRequest { request, reply })
                .expect("the queue has room");
            answer
        };
        drop(login());
        // The only worker answers in turn, so the first login is over when the second is answered.
        login().blocking_recv().expect("the worker answers");
        assert_eq!(shop.ledger().behaviours["login"].executions, 2);
    }
}
