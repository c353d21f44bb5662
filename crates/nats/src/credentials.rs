use std::fmt;

/// Who a broker says it is to the server.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credentials {
    /// Nobody in particular. A client certificate may say it instead.
    #[default]
    None,
    /// A user and a password.
    Password {
        /// The user.
        user: String,
        /// The password.
        password: String,
    },
    /// A token that all clients share.
    Token(String),
    /// The seed of an nkey, which begins with `SU`. Only a signature of the server's challenge goes over the wire.
    Nkey(String),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Password { user, .. } => f.debug_struct("Password").field("user", user).finish_non_exhaustive(),
            Self::Token(_) => f.debug_tuple("Token").finish_non_exhaustive(),
            Self::Nkey(_) => f.debug_tuple("Nkey").finish_non_exhaustive(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_printed() {
        let secret = "hunter2".to_owned();
        let all = [
            Credentials::Password { user: "ann".into(), password: secret.clone() },
            Credentials::Token(secret.clone()),
            Credentials::Nkey(secret.clone()),
        ];
        let printed = format!("{all:?}");
        assert!(printed.contains("ann") && !printed.contains(&secret), "{printed}");
    }
}
