//! A curve through points that rises where they rise and falls where they fall.

/// Value at `x` of the monotone cubic through `points` (two or more, x ascending); level beyond the first and
/// the last. No number if `x` is none.
///
/// # Formula
/// Piecewise cubic Hermite. The slope at an inner point is the weighted harmonic mean of its two secants, 0
/// where they differ in sign; at an end it is the three-point slope, kept to the sign of its secant and to
/// three times its size.
///
/// Source: Fritsch, Butland, "A method for constructing local monotone piecewise cubic interpolants", SIAM J.
/// Sci. Stat. Comput. 5(2), 1984; the ends as in Moler, "Numerical Computing with MATLAB", section 3.6 (also
/// SciPy's `PchipInterpolator`).
#[must_use]
pub fn pchip(points: &[[f64; 2]], x: f64) -> f64 {
    let last = points.len() - 1;
    if x.is_nan() {
        return f64::NAN;
    }
    if x <= points[0][0] {
        return points[0][1];
    }
    if x >= points[last][0] {
        return points[last][1];
    }
    let index = points.partition_point(|point| point[0] <= x) - 1;
    let ([x0, y0], [x1, y1]) = (points[index], points[index + 1]);
    let width = x1 - x0;
    let (left, right) = (slope(points, index) * width, slope(points, index + 1) * width);
    let t = (x - x0) / width;
    let rise = y1 - y0;
    y0 + t * (left + t * (3.0 * rise - 2.0 * left - right + t * (left + right - 2.0 * rise)))
}

/// Slope of the curve at a point.
fn slope(points: &[[f64; 2]], index: usize) -> f64 {
    let last = points.len() - 1;
    let width = |index: usize| points[index + 1][0] - points[index][0];
    let secant = |index: usize| (points[index + 1][1] - points[index][1]) / width(index);
    if last == 1 {
        return secant(0);
    }
    if index == 0 {
        return end_slope(width(0), width(1), secant(0), secant(1));
    }
    if index == last {
        return end_slope(
            width(last - 1),
            width(last - 2),
            secant(last - 1),
            secant(last - 2),
        );
    }
    let (before, after) = (secant(index - 1), secant(index));
    if before * after <= 0.0 {
        return 0.0;
    }
    let (first, second) = (
        2.0 * width(index) + width(index - 1),
        width(index) + 2.0 * width(index - 1),
    );
    (first + second) / (first / before + second / after)
}

fn end_slope(width: f64, next_width: f64, secant: f64, next_secant: f64) -> f64 {
    let slope = ((2.0 * width + next_width) * secant - width * next_secant) / (width + next_width);
    if slope * secant <= 0.0 {
        0.0
    } else if secant * next_secant <= 0.0 && slope.abs() > 3.0 * secant.abs() {
        3.0 * secant
    } else {
        slope
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Worked by hand on (0, 0), (1, 1), (2, 4), (3, 4): slopes 0 (the end's would be -0), 1.5, 0, 0.
    #[test]
    fn a_curve_worked_by_hand() {
        let points = [[0.0, 0.0], [1.0, 1.0], [2.0, 4.0], [3.0, 4.0]];
        let slopes: Vec<f64> = (0..4).map(|index| slope(&points, index)).collect();
        assert_eq!(slopes, [0.0, 1.5, 0.0, 0.0]);
        // Hermite at the middle: (y0 + y1) / 2 + (d0 - d1) / 8
        assert!((pchip(&points, 0.5) - (0.5 - 1.5 / 8.0)).abs() < 1e-15);
        assert!((pchip(&points, 1.5) - (2.5 + 1.5 / 8.0)).abs() < 1e-15);
        assert_eq!(pchip(&points, 2.5), 4.0);
    }

    #[test]
    fn points_are_met_lines_are_kept_and_ends_are_level() {
        let points = [[5.0, 0.4], [10.0, 0.3], [20.0, 0.15], [21.0, 0.149]];
        for [x, y] in points {
            assert_eq!(pchip(&points, x), y);
        }
        assert_eq!((pchip(&points, -3.0), pchip(&points, 99.0)), (0.4, 0.149));
        let line = [[0.0, 1.0], [1.0, 3.0], [4.0, 9.0], [5.0, 11.0]];
        for x in [0.2, 0.9, 2.5, 4.5] {
            assert!((pchip(&line, x) - (1.0 + 2.0 * x)).abs() < 1e-12);
            assert!((pchip(&line[..2], x.min(1.0)) - (1.0 + 2.0 * x.min(1.0))).abs() < 1e-12);
        }
    }

    #[test]
    fn a_falling_table_falls_everywhere() {
        let points = [[0.0, 9.0], [1.0, 8.9], [2.0, 1.0], [7.0, 0.9], [8.0, 0.0]];
        let values: Vec<f64> = (0..=800)
            .map(|step| pchip(&points, f64::from(step) / 100.0))
            .collect();
        assert!(values.windows(2).all(|pair| pair[0] >= pair[1] - 1e-12));
    }
}
