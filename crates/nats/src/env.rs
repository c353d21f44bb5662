//! What the environment says of the server.

use crate::{Credentials, NatsOptions, OptionsError};

const URL: &str = "nats://127.0.0.1:4222";

/// Reads the options from variables that `variable` gives.
pub(crate) fn read(variable: impl Fn(&str) -> Option<String>) -> Result<NatsOptions, OptionsError> {
    let variable = |name: &str| variable(&format!("SWITCHBOARD_NATS_{name}")).filter(|value| !value.is_empty());
    let mut options = NatsOptions::new(variable("URL").as_deref().unwrap_or(URL))?;
    if let Some(namespace) = variable("NAMESPACE") {
        options = options.namespace(namespace)?;
    }
    if let Some(format) = variable("WIRE") {
        options = options.wire_format(crate::url::wire_format(&format)?);
    }
    if let Some(credentials) = credentials(&variable)? {
        options = options.credentials(credentials);
    }
    if let Some(file) = variable("CA") {
        options = options.root_certificates(file);
    }
    if let Some((certificate, key)) = both(&variable, "CERT", "KEY")? {
        options = options.client_certificate(certificate, key);
    }
    Ok(options)
}

fn credentials(variable: &impl Fn(&str) -> Option<String>) -> Result<Option<Credentials>, OptionsError> {
    let password = both(variable, "USER", "PASSWORD")?;
    let all = [
        password.map(|(user, password)| Credentials::Password { user, password }),
        variable("TOKEN").map(Credentials::Token),
        variable("NKEY").map(Credentials::Nkey),
    ];
    let mut all = all.into_iter().flatten();
    match (all.next(), all.next()) {
        (_, Some(_)) => Err(OptionsError::Environment("more than one of USER, TOKEN and NKEY is set")),
        (first, None) => Ok(first),
    }
}

/// Two that belong together.
fn both(
    variable: &impl Fn(&str) -> Option<String>,
    one: &str,
    other: &str,
) -> Result<Option<(String, String)>, OptionsError> {
    match (variable(one), variable(other)) {
        (Some(one), Some(other)) => Ok(Some((one, other))),
        (None, None) => Ok(None),
        _ => Err(OptionsError::Environment("only one of USER and PASSWORD, or of CERT and KEY, is set")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::WireFormat;

    fn of(variables: &[(&str, &str)]) -> Result<NatsOptions, OptionsError> {
        read(|name| {
            let short = name.strip_prefix("SWITCHBOARD_NATS_")?;
            Some(variables.iter().find(|(known, _)| *known == short)?.1.to_owned())
        })
    }

    #[test]
    fn an_empty_environment_means_the_server_on_this_machine() {
        assert_eq!(of(&[]).unwrap(), NatsOptions::new(URL).unwrap());
        assert_eq!(of(&[("TOKEN", "")]).unwrap(), NatsOptions::new(URL).unwrap());
    }

    #[test]
    fn variables_go_over_what_the_url_says() {
        let url = ("URL", "nats://a:b@host?namespace=one");
        let options = of(&[url, ("NAMESPACE", "two"), ("WIRE", "json"), ("TOKEN", "t"), ("CA", "ca.pem")]).unwrap();
        let expected = NatsOptions::new("nats://host").unwrap().namespace("two").unwrap();
        let expected = expected.credentials(Credentials::Token("t".into())).wire_format(WireFormat::Json);
        assert_eq!(options, expected.root_certificates("ca.pem"));
        let options = of(&[("CERT", "c.pem"), ("KEY", "k.pem"), ("NKEY", "SU…")]).unwrap();
        let expected = NatsOptions::new(URL).unwrap().credentials(Credentials::Nkey("SU…".into()));
        assert_eq!(options, expected.client_certificate("c.pem", "k.pem"));
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        assert!(of(&[("USER", "a")]).is_err());
        assert!(of(&[("KEY", "a")]).is_err());
        assert!(of(&[("USER", "a"), ("PASSWORD", "b"), ("TOKEN", "c")]).is_err());
        assert!(of(&[("WIRE", "xml")]).is_err());
        assert!(of(&[("NAMESPACE", "a b")]).is_err());
    }
}
