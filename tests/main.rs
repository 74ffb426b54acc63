//! End-to-end suite: runs the `locust-nest` binary itself, on servers that it starts on free loopback ports.
//!
//! `tests/run` sets up what is needed (nginx, PostgreSQL, Chromium) and runs it with cargo-nextest, one load test at a time: see
//! `.config/nextest.toml`.

mod support;

mod bank;
mod compare;
mod curve;
mod customers;
mod demand;
mod demo;
mod exchanges;
mod growth;
mod inputs;
mod interrupted;
mod loads;
mod locks;
mod mixes;
mod nginx;
mod outage;
mod page;
mod pricing;
mod probes;
mod sample;
mod saturation;
mod scenarios;
mod search;
mod states;
mod tls;
mod verbs;
mod verdicts;
mod wiki;
