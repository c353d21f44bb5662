use super::Provider;
use crate::balancing::WeightTable;

/// One of those for which `predicate` is true, by the chance in `random` and their weights.
pub(crate) fn choose(
    mut providers: Vec<Provider>,
    predicate: impl FnMut(&Provider) -> bool,
    random: u64,
) -> Option<Provider> {
    providers.retain(predicate);
    let place = WeightTable::new(providers.iter().map(Provider::weight)).pick(random)?;
    Some(providers.swap_remove(place))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::ActorId;
    use crate::services::MemberOptions;

    #[test]
    fn those_that_match_are_chosen_by_their_weights() {
        let weighing = |weight| Provider::new(ActorId::next(), MemberOptions::new().weight(weight));
        let providers = [1, 0, 3, 100].map(weighing);
        let mut shares = [0; 4];
        for turn in 0..400 {
            let random = u64::MAX / 400 * turn;
            let chosen = choose(providers.to_vec(), |provider| provider.weight() < 100, random).unwrap();
            shares[providers.iter().position(|provider| *provider == chosen).unwrap()] += 1;
        }
        assert!((98..=102).contains(&shares[0]) && shares[1] == 0 && shares[3] == 0, "{shares:?}");
        assert_eq!(choose(providers.to_vec(), |_| false, 7), None);
    }
}
