/// By how much something grew from the first to the last of these points, each a time and a value, as the line says that goes
/// with most of them: the median of the slopes between any two (Theil and Sen), which a few points that are off do not move.
/// `None` if there are too few to say.
pub(crate) fn growth(points: &[(f64, f64)]) -> Option<f64> {
    let (first, last) = (points.first()?, points.last()?);
    if points.len() < FEWEST {
        return None;
    }
    let pairs =
        points.iter().enumerate().flat_map(|(index, one)| points[index + 1..].iter().map(move |two| (one, two)));
    let mut slopes: Vec<_> = pairs.map(|(one, two)| (two.1 - one.1) / (two.0 - one.0)).collect();
    slopes.sort_by(f64::total_cmp);
    Some(slopes[slopes.len() / 2] * (last.0 - first.0))
}

/// Fewer say nothing about a trend.
const FEWEST: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: &[f64]) -> Vec<(f64, f64)> {
        (0..).map(f64::from).zip(values.iter().copied()).collect()
    }

    #[test]
    fn a_line_grows_by_its_height_and_a_point_that_is_off_changes_nothing() {
        assert_eq!(growth(&points(&[10.0, 12.0, 14.0, 16.0, 18.0])), Some(8.0));
        assert_eq!(growth(&points(&[10.0, 12.0, 900.0, 16.0, 18.0])), Some(8.0));
        assert_eq!(growth(&points(&[7.0, 9.0, 7.0, 9.0, 7.0, 9.0, 7.0])), Some(0.0));
        assert_eq!(growth(&points(&[1.0, 2.0, 3.0])), None);
    }
}
