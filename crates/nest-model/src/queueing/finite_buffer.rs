//! M/M/c/K: several servers and room for only so many.

/// What M/M/c/K does in the long run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FiniteBuffer {
    /// Share of arrivals that find no room, 0-1.
    pub blocking: f64,
    /// Mean number present, waiting or served.
    pub present: f64,
    /// Mean response time of those who are let in, in service times.
    pub response: f64,
}

/// Blocking, mean number and response time if at most `room` customers fit, those in service among them.
///
/// `load` a in Erlang, above 0, and as high as one likes: a full room turns away and never saturates. `None`
/// if there is no server, less room than servers, or no load.
///
/// # Formula
/// `p_n ∝ prod_{i=1..n} a / min(i, c)`, blocking `p_K`, `L = sum n p_n`, `R = L / (a (1 - p_K))` by Little's
/// Law.
///
/// Source: Gross, Harris, "Fundamentals of Queueing Theory", 3rd ed., section 2.5.
#[must_use]
pub fn finite_buffer(servers: u32, room: u32, load: f64) -> Option<FiniteBuffer> {
    if servers == 0 || room < servers || !load.is_finite() || load <= 0.0 {
        return None;
    }
    // In logarithms, against the largest: neither ten thousand servers nor a hundredfold overload leaves the
    // range.
    let logs: Vec<f64> = std::iter::once(0.0)
        .chain((1..=room).scan(0.0, |log, present| {
            *log += (load / f64::from(present.min(servers))).ln();
            Some(*log)
        }))
        .collect();
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = logs.iter().map(|log| (log - largest).exp()).collect();
    let sum: f64 = weights.iter().sum();
    let blocking = weights.last()? / sum;
    let present = weights
        .iter()
        .enumerate()
        .map(|(count, weight)| count as f64 * weight)
        .sum::<f64>()
        / sum;
    let admitted: f64 = weights[..weights.len() - 1].iter().sum::<f64>() / sum;
    Some(FiniteBuffer {
        blocking,
        present,
        response: present / (load * admitted),
    })
}

#[cfg(test)]
mod tests {
    use super::super::{erlang_b, mean_response};
    use super::*;

    #[test]
    fn without_a_queue_it_is_erlangs_loss_and_with_a_long_one_his_delay() {
        let loss = finite_buffer(100, 100, 90.0).expect("valid");
        assert!((loss.blocking / erlang_b(100, 90.0) - 1.0).abs() < 1e-11);
        let long = finite_buffer(4, 2_000, 3.2).expect("valid");
        assert!(long.blocking < 1e-100 && (long.response / mean_response(4.0, 0.8) - 1.0).abs() < 1e-11);
    }

    #[test]
    fn a_hundredfold_overload_gets_all_that_the_servers_do() {
        let full = finite_buffer(4, 64, 400.0).expect("valid");
        assert!((400.0 * (1.0 - full.blocking) - 4.0).abs() < 1e-9 && full.present > 63.9);
        assert_eq!(finite_buffer(4, 3, 1.0), None);
        assert_eq!(finite_buffer(4, 8, f64::NAN), None);
    }
}
