//! Weighted non-negative least squares on small, dense systems.

use nalgebra::{DMatrix, DVector};

/// A fitted linear law.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearFit {
    /// Coefficients, 0 or more, one per column.
    pub coefficients: DVector<f64>,
    /// Covariance `(X' W X)^-1` with W one over the given variances.
    pub covariance: DMatrix<f64>,
}

/// Minimises `sum_i (y_i - x_i' b)^2 / variance_i` over `b >= 0`.
///
/// `design` has one row per observation; `variances` are above 0. `None` if the columns are dependent or
/// numbers are not finite.
///
/// Source: Lawson, Hanson, "Solving Least Squares Problems", chapter 23 (algorithm NNLS), 1974.
#[must_use]
pub fn weighted_nnls(design: &DMatrix<f64>, y: &DVector<f64>, variances: &DVector<f64>) -> Option<LinearFit> {
    let weights = variances.map(|variance| 1.0 / variance.sqrt());
    let scaled = DMatrix::from_fn(design.nrows(), design.ncols(), |row, column| {
        design[(row, column)] * weights[row]
    });
    // Columns of very different size (busy-seconds beside bytes) are brought to length one, so that pivots
    // compare.
    let lengths = DVector::from_fn(design.ncols(), |column, _| scaled.column(column).norm());
    if lengths.iter().any(|length| !length.is_finite() || *length == 0.0) {
        return None;
    }
    let unit = DMatrix::from_fn(scaled.nrows(), scaled.ncols(), |row, column| {
        scaled[(row, column)] / lengths[column]
    });
    let target = y.component_mul(&weights);
    let solution = nnls(&unit, &target)?;
    let inverse = (unit.transpose() * &unit).try_inverse()?;
    let covariance = DMatrix::from_fn(inverse.nrows(), inverse.ncols(), |row, column| {
        inverse[(row, column)] / (lengths[row] * lengths[column])
    });
    Some(LinearFit {
        coefficients: solution.component_div(&lengths),
        covariance,
    })
}

fn nnls(a: &DMatrix<f64>, b: &DVector<f64>) -> Option<DVector<f64>> {
    let columns = a.ncols();
    let mut passive = vec![false; columns];
    let mut x = DVector::zeros(columns);
    let tolerance = 1e-12 * b.norm().max(f64::MIN_POSITIVE);
    for _ in 0..10 * columns {
        let gradient = a.transpose() * (b - a * &x);
        let candidate = (0..columns)
            .filter(|column| !passive[*column] && gradient[*column] > tolerance)
            .max_by(|left, right| gradient[*left].total_cmp(&gradient[*right]));
        let Some(candidate) = candidate else {
            return Some(x);
        };
        passive[candidate] = true;
        loop {
            let trial = least_squares(a, b, &passive)?;
            if (0..columns).all(|column| !passive[column] || trial[column] > 0.0) {
                x = trial;
                break;
            }
            let blocking = (0..columns).filter(|column| passive[*column] && trial[*column] <= 0.0);
            let step = blocking
                .map(|column| x[column] / (x[column] - trial[column]))
                .fold(1.0, f64::min);
            x += (trial - &x) * step;
            for column in 0..columns {
                if passive[column] && x[column] <= 1e-15 {
                    passive[column] = false;
                    x[column] = 0.0;
                }
            }
        }
    }
    Some(x)
}

/// Ordinary least squares on the chosen columns; the others are 0.
fn least_squares(a: &DMatrix<f64>, b: &DVector<f64>, chosen: &[bool]) -> Option<DVector<f64>> {
    let columns: Vec<usize> = (0..a.ncols()).filter(|column| chosen[*column]).collect();
    let part = a.select_columns(&columns);
    let qr = part.qr();
    let solution = qr.r().solve_upper_triangular(&(qr.q().transpose() * b))?;
    let mut full = DVector::zeros(a.ncols());
    columns
        .iter()
        .zip(solution.iter())
        .for_each(|(column, value)| full[*column] = *value);
    full.iter().all(|value| value.is_finite()).then_some(full)
}

/// Condition number of a matrix with its columns scaled to length one: 1 is best, infinite if they are
/// dependent.
///
/// Source: Belsley, Kuh, Welsch, "Regression Diagnostics", section 3.2, 1980.
#[must_use]
pub fn condition(design: &DMatrix<f64>) -> f64 {
    if design.nrows() < design.ncols() {
        return f64::INFINITY;
    }
    let unit = DMatrix::from_fn(design.nrows(), design.ncols(), |row, column| {
        design[(row, column)] / design.column(column).norm().max(f64::MIN_POSITIVE)
    });
    // A resource that was not used at all, or beyond what numbers hold, tells nothing apart.
    if unit.iter().any(|value| !value.is_finite()) {
        return f64::INFINITY;
    }
    let values = unit.singular_values();
    let (largest, smallest) = (values.max(), values.min());
    if smallest > 0.0 {
        largest / smallest
    } else {
        f64::INFINITY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `docs/method/demand.md`, "Known answers", "Demand exact": idle .16, demands .002 .005 .012.
    #[test]
    fn exact_utilisations_give_exact_demands() {
        let rates = [
            [100.0, 40.0, 10.0],
            [200.0, 40.0, 10.0],
            [100.0, 120.0, 10.0],
            [100.0, 40.0, 40.0],
            [0.0, 0.0, 0.0],
        ];
        let design = DMatrix::from_fn(
            5,
            4,
            |row, column| if column == 0 { 1.0 } else { rates[row][column - 1] },
        );
        let busy = DVector::from_vec(vec![0.68, 0.88, 1.08, 1.04, 0.16]);
        let fit =
            weighted_nnls(&design, &busy, &DVector::from_element(5, 1e-4)).expect("independent columns");
        for (found, expected) in fit.coefficients.iter().zip([0.16, 0.002, 0.005, 0.012]) {
            assert!((found - expected).abs() < 1e-12, "{found} for {expected}");
        }
    }

    #[test]
    fn a_negative_coefficient_is_held_at_zero_and_the_rest_is_refitted() {
        // unconstrained: intercept 2, slope -1
        let design = DMatrix::from_row_slice(3, 2, &[1.0, 0.0, 1.0, 1.0, 1.0, 2.0]);
        let fit = weighted_nnls(
            &design,
            &DVector::from_vec(vec![2.0, 1.0, 0.0]),
            &DVector::from_element(3, 1.0),
        )
        .expect("independent columns");
        assert!((fit.coefficients[0] - 1.0).abs() < 1e-12 && fit.coefficients[1] == 0.0);
    }

    #[test]
    fn covariance_is_that_of_a_straight_line() {
        // y = a + b x at x = 0..4 with variance 4: var b = 4 / 10, var a = 4 (1/5 + 4/10), cov = -4 * 2/10
        let design = DMatrix::from_fn(5, 2, |row, column| if column == 0 { 1.0 } else { row as f64 });
        let fit = weighted_nnls(
            &design,
            &DVector::from_vec(vec![1.0, 2.0, 3.0, 4.0, 5.0]),
            &DVector::from_element(5, 4.0),
        )
        .expect("independent columns");
        assert!((fit.covariance[(1, 1)] - 0.4).abs() < 1e-12);
        assert!((fit.covariance[(0, 0)] - 2.4).abs() < 1e-12);
        assert!((fit.covariance[(0, 1)] + 0.8).abs() < 1e-12);
    }

    #[test]
    fn dependent_columns_have_no_finite_condition_and_an_empty_one_no_fit() {
        let design = DMatrix::from_row_slice(3, 2, &[1.0, 2.0, 2.0, 4.0, 3.0, 6.0]);
        assert!(condition(&design) > 1e12);
        assert!((condition(&DMatrix::identity(3, 3)) - 1.0).abs() < 1e-12);
        assert_eq!(
            condition(&DMatrix::from_row_slice(2, 1, &[f64::INFINITY, 1.0])),
            f64::INFINITY
        );
        assert_eq!(
            condition(&DMatrix::from_row_slice(2, 1, &[f64::NAN, 1.0])),
            f64::INFINITY
        );
        let zero = DMatrix::from_row_slice(2, 1, &[0.0, 0.0]);
        assert!(
            weighted_nnls(
                &zero,
                &DVector::from_vec(vec![1.0, 1.0]),
                &DVector::from_element(2, 1.0)
            )
            .is_none()
        );
    }
}
