//! Requests, customers and runs on servers that a test itself plays or starts. They wait more than they
//! compute: for windows to pass and for servers to answer. So several run at once (`.config/nextest.toml`),
//! and none may depend on a quiet machine.

mod answers;
mod customers;
mod exchanges;
mod faults;
mod fleet_hosts;
mod fleet_tls;
mod fleet_users;
mod fleet_words;
mod interrupted;
mod loads;
mod population;
mod stalled;
mod tls;
mod wire;
