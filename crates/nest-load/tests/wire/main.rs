//! What happens on the wire, against servers that keep a ledger: redirects are requests of their own, and
//! three losses are told apart.

mod chains;
mod client;
mod http1_server;
mod http2_server;
mod ledger;
mod losses;
