//! Ctrl-C, SIGTERM and SIGHUP: the first stops the load and saves the step, the second exits at once.

use nest_load::Interrupt;
use tokio::signal::unix::{SignalKind, signal};

use crate::command_error::{CommandError, INTERRUPTED};

/// Watches for signals from now on. The first one requests the returned interrupt.
pub fn watch() -> Result<Interrupt, CommandError> {
    let interrupt = Interrupt::default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // Handlers are in place before the watching thread runs, so that no signal falls in between.
    let (mut keyboard, mut terminate, mut hang_up) = {
        let _entered = runtime.enter();
        let of = |kind| signal(kind);
        (
            of(SignalKind::interrupt())?,
            of(SignalKind::terminate())?,
            of(SignalKind::hangup())?,
        )
    };
    let shared = interrupt.clone();
    std::thread::spawn(move || {
        runtime.block_on(async {
            loop {
                tokio::select! {
                    _ = keyboard.recv() => {}
                    _ = terminate.recv() => {}
                    _ = hang_up.recv() => {}
                }
                if shared.is_requested() {
                    shared.kill_target();
                    std::process::exit(i32::from(INTERRUPTED));
                }
                shared.request();
            }
        });
    });
    Ok(interrupt)
}
