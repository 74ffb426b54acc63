//! End-to-end suite: runs the `locust-nest` binary itself, on servers that it starts on free loopback ports.
//!
//! `tests/run` installs what the suite needs (nginx, PostgreSQL, Chromium) and runs it with cargo-nextest:
//! each load test alone, those of `served` together. See `.config/nextest.toml`.

#![allow(clippy::print_stdout, reason = "load tests print what they measured")]

mod support;

mod bank;
mod bounds;
mod check;
mod check_broken;
mod check_revisions;
mod check_trust;
mod compare;
mod counts;
mod curve;
mod demand;
mod demo;
mod fleet;
mod growth;
mod inputs;
mod locks;
mod locust;
mod mixes;
mod nginx;
mod numbers;
mod outage;
mod output;
mod page;
mod pricing;
mod probes;
mod safety;
mod safety_secrets;
mod sample;
mod scenarios;
mod schemas;
mod search;
mod served;
mod states;
mod trust;
mod verbs;
mod verdicts;
mod wiki;
