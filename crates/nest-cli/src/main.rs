//! The `locust-nest` binary: everything is in the library of the same name.

fn main() -> std::process::ExitCode {
    locust_nest::run(locust_nest::Registry::new())
}
