//! The scoreboard.
mod baselines;
mod corpus;
mod research;
mod task;

fn main() {
    research::run();
}
