use super::SubjectPattern;
use crate::address::Name;

/// What a subscriber wants: messages on the subjects of a pattern, all of them or its share of a group's.
///
/// A pattern alone is an interest in all of them.
///
/// ```
/// use switchboard::address::Name;
/// use switchboard::pattern;
/// use switchboard::topics::Interest;
///
/// let all = Interest::from(pattern!("orders.>"));
/// let share = pattern!("orders.>").in_group(Name::new("billing")?);
/// assert_eq!(all.group(), None);
/// assert_eq!(share.group().map(Name::as_str), Some("billing"));
/// # Ok::<(), switchboard::address::NameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct Interest {
    pattern: SubjectPattern,
    group: Option<Name>,
}

impl Interest {
    /// Which subjects are meant.
    pub fn pattern(&self) -> &SubjectPattern {
        &self.pattern
    }

    /// The group of which one member gets each message, if it is one's share that is wanted.
    pub fn group(&self) -> Option<&Name> {
        self.group.as_ref()
    }
}

impl SubjectPattern {
    /// The interest of a member of a group: of all members whose patterns match a message, one gets it.
    pub fn in_group(self, group: Name) -> Interest {
        Interest { pattern: self, group: Some(group) }
    }
}

impl From<SubjectPattern> for Interest {
    fn from(pattern: SubjectPattern) -> Self {
        Self { pattern, group: None }
    }
}

impl From<&SubjectPattern> for Interest {
    fn from(pattern: &SubjectPattern) -> Self {
        pattern.clone().into()
    }
}
