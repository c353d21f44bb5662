use fastrand::Rng;

use super::*;
use crate::balancing::support::{Fixed, assert_fits};

/// The identity of the member for each of `count` keys.
fn owners(identities: &[u64], count: u64) -> Vec<u64> {
    let ring = Ring::new(identities.iter().copied());
    (0..count).map(|key| identities[ring.place(mixed(key)).unwrap()]).collect()
}

/// The part of the ring that each member has, in fractions of an equal part.
fn parts(ring: &Ring, members: usize) -> Vec<f64> {
    let mut parts = vec![0.0; members];
    let before = ring.points.iter().cycle().skip(ring.points.len() - 1);
    for (point, before) in ring.points.iter().zip(before) {
        let part = (point & POSITION).wrapping_sub(before & POSITION);
        parts[(point & !POSITION) as usize] += part as f64 / 2f64.powi(64) * members as f64;
    }
    parts
}

#[test]
fn no_member_is_picked_of_none_and_the_only_one_always() {
    assert_eq!(Ring::new([]).pick("a"), None);
    for hash in [0, 1, u64::MAX] {
        assert_eq!(Ring::new([]).place(hash), None);
        assert_eq!(Ring::new([9]).place(hash), Some(0));
    }
}

#[test]
fn a_key_belongs_to_the_first_point_that_follows_it() {
    let mut rng = Rng::with_seed(1);
    for members in [1, 2, 3, 50, 1000] {
        let ring = Ring::new((0..members).map(|_| rng.u64(..)));
        assert_eq!(ring.points.len() as u64, members * POINTS);
        assert!(ring.points.is_sorted_by_key(|point| point & POSITION));
        let hashes = (0..1000).map(|_| rng.u64(..)).chain([0, u64::MAX]).chain(ring.points.iter().copied());
        for hash in hashes {
            let next = ring.points.partition_point(|&point| point & POSITION < hash & POSITION) % ring.points.len();
            assert_eq!(ring.place(hash), Some((ring.points[next] & !POSITION) as usize));
        }
    }
}

#[test]
fn the_member_for_a_key_never_changes() {
    let ring = Ring::new([1, 2, 3, 4, 5]);
    let known: Vec<_> = (0..12).map(|number| ring.pick(&format!("customer-{number}")).unwrap()).collect();
    // From a second implementation, in Python.
    assert_eq!(known, [0, 4, 2, 2, 0, 3, 2, 3, 0, 1, 4, 2]);
}

#[test]
fn the_order_of_the_list_does_not_matter() {
    // So many members have a few points at one position with those of another: those too must not go by the order.
    let mut rng = Rng::with_seed(2);
    let mut identities: Vec<_> = (0..2500).map(|_| rng.u64(..)).collect();
    let owned = |identities: &[u64]| {
        let ring = Ring::new(identities.iter().copied());
        ring.points.iter().map(|point| (point >> 32, identities[*point as u32 as usize])).collect::<Vec<_>>()
    };
    let before = owned(&identities);
    assert!(before.windows(2).any(|points| points[0].0 == points[1].0));
    identities.reverse();
    assert!(before == owned(&identities));
}

#[test]
fn it_is_built_from_the_identities_of_members() {
    let members = Fixed { identities: vec![40, 7, 19], ..Fixed::idle(3) };
    assert_eq!(Ring::of(&members).points, Ring::new([40, 7, 19]).points);
}

#[test]
fn shares_of_the_ring_are_as_even_as_64_points_make_them() {
    // A part is the sum of v gaps, each about exponential, so its standard deviation is 1/√v of it; a little less where
    // members are few, because the parts add up to the whole: √((1 - 1/n) / v).
    for (members, rings) in [(4u64, 200), (10, 100), (1000, 1)] {
        let all = (0..rings).flat_map(|ring| {
            let identities = ring * 1000..ring * 1000 + members;
            parts(&Ring::new(identities), members as usize)
        });
        let measured = (all.map(|part| (part - 1.0).powi(2)).sum::<f64>() / (members * rings) as f64).sqrt();
        let expected = ((1.0 - 1.0 / members as f64) / POINTS as f64).sqrt();
        assert!((measured / expected - 1.0).abs() < 0.1, "{members}: {measured} {expected}");
    }
}

#[test]
fn keys_are_shared_as_the_ring_is() {
    let ring = Ring::new(0..10);
    let mut shares = [0; 10];
    for number in 0..100_000 {
        shares[ring.pick(&format!("customer-{number}")).unwrap()] += 1;
    }
    assert_fits(&shares, &parts(&ring, 10));
}

#[test]
fn a_member_that_leaves_gives_its_keys_to_all_others_and_no_other_key_moves() {
    for members in [2u64, 5, 100] {
        let all: Vec<_> = (100..100 + members).collect();
        let before = owners(&all, 50_000);
        for gone in all.iter().copied().step_by(all.len().div_ceil(5)) {
            let rest: Vec<_> = all.iter().copied().filter(|&identity| identity != gone).collect();
            let after = owners(&rest, 50_000);
            let moved = before.iter().zip(&after).filter(|(before, after)| before != after);
            let moved: Vec<_> = moved.inspect(|&(&before, _)| assert_eq!(before, gone)).collect();
            // Within three times the spread of a share, and of what chance does to 50,000 keys.
            let share = moved.len() as f64 / 50_000.0 * members as f64;
            assert!((share - 1.0).abs() < 3.0 * (1.0 / 64.0 + members as f64 / 50_000.0f64).sqrt(), "{share}");
            let heirs = rest.iter().filter(|&heir| moved.iter().any(|&(_, after)| after == heir)).count();
            assert!(heirs >= rest.len().min(30), "{heirs}");
        }
    }
}

#[test]
fn a_member_that_joins_gets_its_share_from_all_others_and_no_other_key_moves() {
    let mut members: Vec<u64> = vec![1];
    let mut before = owners(&members, 20_000);
    for joined in 2..=40 {
        members.push(joined);
        let after = owners(&members, 20_000);
        let moved = before.iter().zip(&after).filter(|(before, after)| before != after);
        let moved = moved.inspect(|&(_, &after)| assert_eq!(after, joined)).count();
        let share = moved as f64 / 20_000.0 * members.len() as f64;
        assert!((share - 1.0).abs() < 0.5, "{share}");
        before = after;
    }
}
