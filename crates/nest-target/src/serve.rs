//! Running a shop from start to stop.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use crate::clock::ThreadClock;
use crate::shop::Shop;
use crate::shop::pool::WorkerPool;
use crate::shop::queue::BoundedQueue;
use crate::shop::routes::{Front, router};
use crate::shop::store::Store;
use crate::{ShopOptions, TargetError, calibration, cores};

/// Requests that may wait for a worker; the next one is answered 503.
const QUEUE_CAPACITY: usize = 10_000;

/// How long answers on their way may take once the shop is stopped.
const FAREWELL: Duration = Duration::from_secs(2);

/// Runs the shop on the calling thread, which becomes its network thread, until `stop` is ready.
///
/// `ready` is called with the real address once the file is filled and the empty request is calibrated, about
/// 1 s after the start. If cores are given, the calling thread stays pinned to them.
///
/// # Errors
/// An option out of range; an address, file, core or second tier that cannot be used; a calibration that
/// breaks off.
pub fn serve(
    options: &ShopOptions,
    ready: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), TargetError> {
    options.check()?;
    let elsewhere = cores::allowed()?
        .into_iter()
        .filter(|core| !options.cores.contains(core))
        .collect();
    cores::pin(&options.cores)?;
    fill(options)?;
    let front = Front {
        shop: Arc::new(Shop::new(options.clone())),
        queue: Arc::new(BoundedQueue::new(QUEUE_CAPACITY)),
    };
    let pool = WorkerPool::start(options, &front.shop, &front.queue)?;
    let clocks: Vec<ThreadClock> = pool
        .clocks()
        .iter()
        .copied()
        .chain([ThreadClock::of_this_thread()])
        .collect();
    let router = router(front.clone());
    network_runtime()?.block_on(async {
        let listener = listen(options.listen).await?;
        let address = local_address(&listener, options.listen)?;
        let empty_request_s = calibration::empty_request_s(router.clone(), clocks.clone(), elsewhere).await?;
        front.shop.open(empty_request_s, clocks);
        ready(address);
        serve_until(listener, router, stop)
            .await
            .map_err(|source| TargetError::Listen { address, source })
    })
}

fn fill(options: &ShopOptions) -> Result<(), TargetError> {
    let filled = Store::open(&options.database).and_then(|mut store| store.fill(options.items));
    filled.map_err(|source| TargetError::Database {
        path: options.database.clone(),
        source,
    })
}

/// A runtime on the calling thread.
pub(crate) fn network_runtime() -> Result<Runtime, TargetError> {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| TargetError::Resources {
            what: "event loop",
            source,
        })
}

/// Binds the address.
pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener, TargetError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| TargetError::Listen { address, source })
}

/// The address on which a listener really listens.
pub(crate) fn local_address(listener: &TcpListener, asked: SocketAddr) -> Result<SocketAddr, TargetError> {
    listener.local_addr().map_err(|source| TargetError::Listen {
        address: asked,
        source,
    })
}

/// Serves until `stop`; then lets answers on their way arrive, but not for long.
async fn serve_until(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let (stopping, stopped) = oneshot::channel::<()>();
    let stop = async move {
        stop.await;
        drop(stopping);
    };
    // Setting up a connection that is already dead fails; the service notices when it reads from it.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let farewell = async {
        // Only ever dropped, which is the signal.
        let _ = stopped.await;
        tokio::time::sleep(FAREWELL).await;
    };
    tokio::select! {
        served = async { axum::serve(listener, router).with_graceful_shutdown(stop).await } => served,
        () = farewell => Ok(()),
    }
}
