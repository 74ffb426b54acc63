//! The general throughput law, with the Universal Scalability Law, Amdahl's law and the soft bottleneck as
//! its special cases.

pub mod load_law;
pub mod usl;

/// Throughput against customers (or threads, replicas, nodes).
///
/// # Formula
/// `1/X(N) = [(r/N)^p + s^p]^(1/p) + k N`: r the time of one cycle at light load, 1/s the plateau, p the
/// sharpness of the bend, k the coherency. Defined for N above 0.
///
/// Source: `docs/method/curve.md`, "General throughput law"; p = 1 is Gunther's Universal Scalability Law
/// ("Guerrilla Capacity Planning", Springer 2007, chapter 4), p = 1 with k = 0 Amdahl's law (AFIPS 1967).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GeneralThroughputLaw {
    /// r: seconds that one customer needs for a cycle of thinking and waiting at light load; above 0.
    pub cycle_time_s: f64,
    /// s: seconds between completions at the plateau; 0 if there is none.
    pub plateau_time_s: f64,
    /// p: sharpness of the bend; 1 as in USL and Amdahl's law, 2-4 for typical servers, 25 nearly a corner.
    pub sharpness: f64,
    /// k: seconds per completion that each further customer adds; 0 if throughput never falls.
    pub coherency_time_s: f64,
}

/// The Universal Scalability Law in its published parameters.
///
/// # Formula
/// `X(N) = gamma N / (1 + sigma (N - 1) + kappa N (N - 1))`
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UslParameters {
    /// gamma: throughput of one customer, 1/s.
    pub unit_throughput: f64,
    /// sigma: share of work that waits for its turn, 0-1.
    pub contention: f64,
    /// kappa: cost of each pair that must agree, 0 or more.
    pub coherency: f64,
}

/// A load and the throughput there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Peak {
    /// N, where throughput is highest.
    pub customers: f64,
    /// X there, 1/s.
    pub throughput: f64,
}

impl UslParameters {
    /// X at N, 1/s.
    #[must_use]
    pub fn throughput_at(&self, customers: f64) -> f64 {
        let n = customers;
        self.unit_throughput * n / (1.0 + self.contention * (n - 1.0) + self.coherency * n * (n - 1.0))
    }

    /// R at N without think time, seconds: `N / X(N)`, the law of Little.
    #[must_use]
    pub fn response_time_at(&self, customers: f64) -> f64 {
        customers / self.throughput_at(customers)
    }

    /// The smallest N above 0 with X(N) = `throughput`; `None` above the peak, or if contention alone keeps
    /// it out of reach.
    ///
    /// # Formula
    /// The smaller root of `kappa X N^2 + ((sigma - kappa) X - gamma) N + X (1 - sigma) = 0`, in the form
    /// that does not cancel: `2 c / (-b + sqrt(b^2 - 4 a c))`. The crates `usl` and usl4j drop kappa here.
    #[must_use]
    pub fn customers_at(&self, throughput: f64) -> Option<f64> {
        let a = self.coherency * throughput;
        let b = (self.contention - self.coherency) * throughput - self.unit_throughput;
        let c = throughput * (1.0 - self.contention);
        let discriminant = b * b - 4.0 * a * c;
        (throughput > 0.0 && b < 0.0 && discriminant >= 0.0).then(|| 2.0 * c / (discriminant.sqrt() - b))
    }

    /// N at which R(N) = `response_time_s` without think time, at or above that of one customer; `None` below
    /// `1 / gamma` or if response time does not depend on N.
    ///
    /// # Formula
    /// The larger root of `kappa N^2 + (sigma - kappa) N + (1 - sigma - gamma R) = 0`.
    #[must_use]
    pub fn customers_at_response_time(&self, response_time_s: f64) -> Option<f64> {
        let (a, b) = (self.coherency, self.contention - self.coherency);
        let c = 1.0 - self.contention - self.unit_throughput * response_time_s;
        let root = if a == 0.0 {
            -c / b
        } else {
            ((b * b - 4.0 * a * c).sqrt() - b) / (2.0 * a)
        };
        (root.is_finite() && root >= 1.0 - 1e-12).then_some(root)
    }

    /// Where throughput is highest: `N = sqrt((1 - sigma) / kappa)`; `None` without coherency.
    #[must_use]
    pub fn peak(&self) -> Option<Peak> {
        let customers = ((1.0 - self.contention) / self.coherency).sqrt();
        (self.coherency > 0.0).then(|| Peak {
            customers,
            throughput: self.throughput_at(customers),
        })
    }

    /// Throughput that contention alone allows: `gamma / sigma`, 1/s; infinite without contention.
    #[must_use]
    pub fn limit(&self) -> f64 {
        self.unit_throughput / self.contention
    }

    /// Where the line of one customer's speed crosses that limit: `N = 1 / sigma`.
    #[must_use]
    pub fn optimal_customers(&self) -> f64 {
        1.0 / self.contention
    }
}

impl From<UslParameters> for GeneralThroughputLaw {
    fn from(usl: UslParameters) -> Self {
        let UslParameters {
            unit_throughput,
            contention,
            coherency,
        } = usl;
        Self {
            cycle_time_s: (1.0 - contention) / unit_throughput,
            plateau_time_s: (contention - coherency) / unit_throughput,
            sharpness: 1.0,
            coherency_time_s: coherency / unit_throughput,
        }
    }
}

impl GeneralThroughputLaw {
    /// Amdahl's law: p = 1, k = 0. `serial_share` is the sigma of USL.
    #[must_use]
    pub fn amdahl(unit_throughput: f64, serial_share: f64) -> Self {
        UslParameters {
            unit_throughput,
            contention: serial_share,
            coherency: 0.0,
        }
        .into()
    }

    /// A soft bottleneck: k = 0, throughput rises to the plateau and stays there.
    #[must_use]
    pub fn soft_bottleneck(cycle_time_s: f64, plateau_time_s: f64, sharpness: f64) -> Self {
        Self {
            cycle_time_s,
            plateau_time_s,
            sharpness,
            coherency_time_s: 0.0,
        }
    }

    /// The same law in the parameters of USL; `None` if p is not 1.
    ///
    /// # Formula
    /// `gamma = 1 / (r + s + k)`, `sigma = (s + k) gamma`, `kappa = k gamma`
    #[must_use]
    pub fn usl(&self) -> Option<UslParameters> {
        let unit_throughput = 1.0 / (self.cycle_time_s + self.plateau_time_s + self.coherency_time_s);
        (self.sharpness == 1.0).then_some(UslParameters {
            unit_throughput,
            contention: (self.plateau_time_s + self.coherency_time_s) * unit_throughput,
            coherency: self.coherency_time_s * unit_throughput,
        })
    }

    /// Time between completions at N: 1/X, seconds.
    fn interval(&self, customers: f64) -> f64 {
        self.bend(customers) + self.coherency_time_s * customers
    }

    /// `[(r/N)^p + s^p]^(1/p)`; for p = 1 also with the negative s that USL has if kappa exceeds sigma.
    fn bend(&self, customers: f64) -> f64 {
        let (light, plateau, p) = (self.cycle_time_s / customers, self.plateau_time_s, self.sharpness);
        if p == 1.0 {
            return light + plateau;
        }
        let (more, less) = (light.max(plateau), light.min(plateau));
        more * (1.0 + (less / more).powf(p)).powf(1.0 / p)
    }

    /// X at N above 0, 1/s.
    #[must_use]
    pub fn throughput_at(&self, customers: f64) -> f64 {
        1.0 / self.interval(customers)
    }

    /// dX/dN at N above 0, 1/s per customer.
    #[must_use]
    pub fn gradient_at(&self, customers: f64) -> f64 {
        -self.interval_gradient(customers) / self.interval(customers).powi(2)
    }

    /// d(1/X)/dN `= k - (r/N)^p [(r/N)^p + s^p]^(1/p - 1) / N`.
    fn interval_gradient(&self, customers: f64) -> f64 {
        let light = self.cycle_time_s / customers;
        self.coherency_time_s - light / customers * (light / self.bend(customers)).powf(self.sharpness - 1.0)
    }

    /// Where throughput is highest; `None` without coherency.
    ///
    /// # Formula
    /// The zero of d(1/X)/dN; `sqrt(r / k)` for p = 1, else by bisection below that on log scale.
    #[must_use]
    pub fn peak(&self) -> Option<Peak> {
        if self.coherency_time_s <= 0.0 {
            return None;
        }
        // p above 1 only bends earlier; below 1 it bends later.
        let mut high = (self.cycle_time_s / self.coherency_time_s).sqrt();
        if self.sharpness != 1.0 {
            let mut low = high;
            while self.interval_gradient(low) > 0.0 {
                low /= 2.0;
            }
            while self.interval_gradient(high) < 0.0 {
                high *= 2.0;
            }
            high = bisected(low, high, |customers| self.interval_gradient(customers) > 0.0);
        }
        Some(Peak {
            customers: high,
            throughput: self.throughput_at(high),
        })
    }

    /// Where the bounds N / r and 1 / s cross: `r / s`; `None` without a plateau.
    #[must_use]
    pub fn knee(&self) -> Option<f64> {
        (self.plateau_time_s > 0.0).then(|| self.cycle_time_s / self.plateau_time_s)
    }

    /// The smallest N with X(N) = `throughput`; `None` if that is beyond the peak or the plateau, or not
    /// above 0.
    #[must_use]
    pub fn customers_at(&self, throughput: f64) -> Option<f64> {
        if let Some(usl) = self.usl() {
            return usl.customers_at(throughput);
        }
        // X(N) <= N / r, so that N is at least X r.
        let low = throughput * self.cycle_time_s;
        let reached = |customers: f64| self.throughput_at(customers) >= throughput;
        let high = match self.peak() {
            Some(peak) => peak.customers,
            None => std::iter::successors(Some(low), |high| Some(high * 2.0))
                .take(1000)
                .find(|high| reached(*high))?,
        };
        (throughput > 0.0 && reached(high)).then(|| {
            if reached(low) {
                low
            } else {
                bisected(low, high, reached)
            }
        })
    }
}

/// Where a condition that is false at `low` and true at `high` becomes true, to the last bits; on log scale.
fn bisected(mut low: f64, mut high: f64, holds: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..200 {
        let middle = (low * high).sqrt();
        if middle <= low || middle >= high {
            break;
        }
        if holds(middle) {
            high = middle
        } else {
            low = middle
        }
    }
    high
}
