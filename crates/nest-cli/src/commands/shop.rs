//! `shop` and `shop-tier`: run the demo shop and its second tier. These verbs are hidden; `demo` starts the
//! shop.

use nest_data::units::Seconds;
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
    let temporary = || folder.path().join("shop.sqlite");
    let options = ShopOptions {
        listen: arguments.listen,
        database: arguments.database.clone().unwrap_or_else(temporary),
        cores: arguments.cores.clone(),
        demands: demands(arguments),
        items: arguments.items,
        pool: arguments.pool,
        lock_s: arguments.lock.map_or(0.0, |lock| lock.get()),
        leak_bytes_per_session: arguments.leak,
        database_tier: arguments.database_tier,
        keep_requests: arguments.keep_requests,
    };
    let ended = serve(
        &options,
        |address| talk(&format!("shop ready on http://{address}")),
        told_to_end(),
    );
    ended.map_err(|error| CommandError::new(INTERNAL, error))
}

/// The usual service demands, except for those that are given.
fn demands(arguments: &ShopArguments) -> Demands {
    let usual = Demands::default();
    let given = |demand: Option<Seconds>, usual_s: f64| demand.map_or(usual_s, |demand| demand.get());
    Demands {
        login_s: given(arguments.login, usual.login_s),
        browse_s: given(arguments.browse, usual.browse_s),
        search_s: given(arguments.search, usual.search_s),
        search_per_1000_items_s: given(arguments.search_per_1000_items, usual.search_per_1000_items_s),
        pay_s: given(arguments.pay, usual.pay_s),
        receipt_s: given(arguments.receipt, usual.receipt_s),
        describe_s: given(arguments.describe, usual.describe_s),
        ..usual
    }
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
