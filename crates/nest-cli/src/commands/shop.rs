//! The demo shop and its second tier, each as its own process. Hidden verbs: the demo starts them.

use nest_target::{Demands, ShopOptions, TierOptions, serve, serve_tier};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    args::{ShopArguments, ShopTierArguments},
    command_error::{CommandError, INTERNAL},
    printer::talk,
};

/// Runs the shop until it is told to end.
pub fn run(arguments: &ShopArguments) -> Result<(), CommandError> {
    let folder = tempfile::tempdir()?;
    let standard = Demands::default();
    let demands = Demands {
        login_s: arguments.login.map_or(standard.login_s, |demand| demand.get()),
        browse_s: arguments.browse.map_or(standard.browse_s, |demand| demand.get()),
        search_s: arguments.search.map_or(standard.search_s, |demand| demand.get()),
        search_per_1000_items_s: arguments
            .search_per_1000_items
            .map_or(standard.search_per_1000_items_s, |demand| demand.get()),
        pay_s: arguments.pay.map_or(standard.pay_s, |demand| demand.get()),
        receipt_s: arguments
            .receipt
            .map_or(standard.receipt_s, |demand| demand.get()),
        ..standard
    };
    let options = ShopOptions {
        listen: arguments.listen,
        database: arguments
            .database
            .clone()
            .unwrap_or_else(|| folder.path().join("shop.sqlite")),
        cores: arguments.cores.clone(),
        demands,
        items: arguments.items,
        pool: arguments.pool,
        lock_s: arguments.lock.map_or(0.0, |lock| lock.get()),
        leak_bytes_per_session: arguments.leak,
        database_tier: arguments.database_tier,
    };
    let ended = serve(
        &options,
        |address| talk(&format!("shop ready on http://{address}")),
        told_to_end(),
    );
    ended.map_err(|error| CommandError::new(INTERNAL, error))
}

/// Runs the second tier until it is told to end.
pub fn run_tier(arguments: &ShopTierArguments) -> Result<(), CommandError> {
    let options = TierOptions {
        listen: arguments.listen,
        cores: arguments.cores.clone(),
    };
    let ended = serve_tier(
        &options,
        |address| talk(&format!("second tier ready on {address}")),
        told_to_end(),
    );
    ended.map_err(|error| CommandError::new(INTERNAL, error))
}

async fn told_to_end() {
    let (Ok(mut terminate), Ok(mut keyboard)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = keyboard.recv() => {}
    }
}
