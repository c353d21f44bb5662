use super::{Capability, Guarantee};

/// One thing that a broker must do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// The guarantee that it is about.
    pub guarantee: Guarantee,
    /// What is so, as a sentence with underscores.
    pub name: &'static str,
    /// What a broker has to be able to do for it.
    pub needs: &'static [Capability],
}

impl Case {
    /// All cases, in the order of their guarantees.
    pub const ALL: &'static [Self] = super::list::ALL;

    /// The case of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|case| case.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_case_has_a_name_of_its_own_and_each_guarantee_has_cases() {
        for case in Case::ALL {
            assert_eq!(Case::ALL.iter().filter(|other| other.name == case.name).count(), 1, "{}", case.name);
            assert_eq!(Case::named(case.name), Some(case));
        }
        for guarantee in Guarantee::ALL {
            assert!(Case::ALL.iter().filter(|case| case.guarantee == guarantee).count() >= 3, "{guarantee}");
        }
        assert_eq!(Case::named("nothing"), None);
    }
}
