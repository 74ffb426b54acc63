//! Loss and delay at several servers.

/// Erlang's loss probability B(c, a): the share of arrivals that find all of `servers` servers busy, if none
/// may wait.
///
/// `load` a in Erlang (arrival rate x service time), 0 or more; any load has an answer. Stable to 10,000
/// servers and beyond.
///
/// # Formula
/// `B_0 = 1, B_k = a B_{k-1} / (k + a B_{k-1})`.
///
/// Source: Erlang 1917; recursion as in Cooper, "Introduction to Queueing Theory", 2nd ed., section 3.
#[must_use]
pub fn erlang_b(servers: u32, load: f64) -> f64 {
    let load = load.max(0.0);
    (1..=servers).fold(1.0, |blocking, server| {
        load * blocking / (f64::from(server) + load * blocking)
    })
}

/// Erlang's delay probability C(c, a): the share of arrivals that must wait for one of `servers` servers.
///
/// `utilisation` rho in 0-1 (a = c rho); 1 from saturation on.
///
/// # Formula
/// `C = c B / (c - a (1 - B))`, B the loss probability ([`erlang_b`]).
///
/// Source: Cooper, "Introduction to Queueing Theory", 2nd ed., section 3.
#[must_use]
pub fn erlang_c(servers: u32, utilisation: f64) -> f64 {
    if utilisation >= 1.0 {
        return 1.0;
    }
    let count = f64::from(servers);
    let load = count * utilisation.max(0.0);
    let blocking = erlang_b(servers, load);
    count * blocking / (count - load * (1.0 - blocking))
}

/// Mean wait in a multi-server queue, in service times: `C(c, c rho) / (c (1 - rho))`.
///
/// `servers` may be a fraction (a processor quota): between whole numbers Sakasegawa's form is taken,
/// `rho^(sqrt(2 (c + 1)) - 1) / (c (1 - rho))`. `utilisation` in 0-1, infinite from 1 on.
///
/// Source: Sakasegawa, "An approximation formula Lq = a rho^b / (1 - rho)", Ann. Inst. Statist. Math. 29,
/// 1977.
#[must_use]
pub fn relative_wait(servers: f64, utilisation: f64) -> f64 {
    if utilisation >= 1.0 {
        return f64::INFINITY;
    }
    let rho = utilisation.max(0.0);
    if servers.fract() == 0.0 && servers >= 1.0 {
        return erlang_c(servers as u32, rho) / (servers * (1.0 - rho));
    }
    rho.powf((2.0 * (servers + 1.0)).sqrt() - 1.0) / (servers * (1.0 - rho))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_waits_rho_over_one_minus_rho() {
        for rho in [0.0, 0.3, 0.9] {
            assert!((relative_wait(1.0, rho) - rho / (1.0 - rho)).abs() < 1e-12);
        }
        assert_eq!(relative_wait(2.0, 1.0), f64::INFINITY);
    }

    #[test]
    fn a_fraction_of_a_server_lies_between_its_neighbours() {
        let (one, between, two) = (
            relative_wait(1.0, 0.8),
            relative_wait(1.5, 0.8),
            relative_wait(2.0, 0.8),
        );
        assert!(two < between && between < one);
    }
}
