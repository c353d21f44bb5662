use std::time::Duration;

/// Which clock the cases of a candidate run by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// tokio's, paused: it goes on whenever nothing else can, so that no case takes any time.
    #[default]
    Paused,
    /// The machine's, for a broker that waits for what tokio knows nothing of, such as a server. Waits are short, and
    /// bounded.
    Real,
}

impl Clock {
    /// How long what must happen may take.
    #[must_use]
    pub const fn patience(self) -> Duration {
        match self {
            Self::Paused => Duration::from_secs(60),
            Self::Real => Duration::from_secs(10),
        }
    }

    /// How long what must not happen is waited for, and the length of a deadline that is to pass.
    #[must_use]
    pub const fn moment(self) -> Duration {
        match self {
            Self::Paused => Duration::from_secs(1),
            Self::Real => Duration::from_millis(100),
        }
    }

    /// How long what happens at once may take, at most.
    #[must_use]
    pub const fn at_once(self) -> Duration {
        match self {
            Self::Paused => Duration::from_millis(10),
            Self::Real => Duration::from_secs(2),
        }
    }
}
