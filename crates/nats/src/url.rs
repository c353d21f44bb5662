//! What the text of a server's address says.

use crate::wire::WireFormat;
use crate::{Credentials, NatsOptions, OptionsError};

const SCHEMES: [&str; 2] = ["nats", "tls"];

/// Reads a list of servers, and what the first of them says besides, into `options`.
pub(crate) fn read(text: &str, options: &mut NatsOptions) -> Result<(), OptionsError> {
    let (servers, query) = text.split_once('?').unwrap_or((text, ""));
    for (place, server) in servers.split(',').map(str::trim).enumerate() {
        let (scheme, rest) = server.split_once("://").unwrap_or((SCHEMES[0], server));
        if !SCHEMES.contains(&scheme) {
            return Err(OptionsError::url(server, "its scheme is neither `nats` nor `tls`"));
        }
        let (user, host) = rest.rsplit_once('@').map_or((None, rest), |(user, host)| (Some(user), host));
        if host.is_empty() || host.contains(['/', '#', ' ']) {
            return Err(OptionsError::url(server, "it has no host, or more than a host and a port"));
        }
        match user {
            Some(user) if place == 0 => options.credentials = credentials(user, server)?,
            Some(_) => return Err(OptionsError::url(server, "only the first server may name a user")),
            None => {}
        }
        options.servers.push(format!("{scheme}://{host}"));
    }
    query.split('&').filter(|pair| !pair.is_empty()).try_for_each(|pair| setting(pair, options))
}

fn credentials(text: &str, server: &str) -> Result<Credentials, OptionsError> {
    let plain =
        |part| unescaped(part).ok_or_else(|| OptionsError::url(server, "a `%` has not two hex digits after it"));
    match text.split_once(':') {
        Some((user, password)) => Ok(Credentials::Password { user: plain(user)?, password: plain(password)? }),
        None => Ok(Credentials::Token(plain(text)?)),
    }
}

fn setting(pair: &str, options: &mut NatsOptions) -> Result<(), OptionsError> {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    match name {
        "namespace" => *options = options.clone().namespace(value)?,
        "wire" => options.wire = wire_format(value)?,
        _ => return Err(OptionsError::url(pair, "it is neither `namespace` nor `wire`")),
    }
    Ok(())
}

pub(crate) fn wire_format(text: &str) -> Result<WireFormat, OptionsError> {
    match text {
        "compact" => Ok(WireFormat::Compact),
        "json" => Ok(WireFormat::Json),
        _ => Err(OptionsError::url(text, "a wire format is `compact` or `json`")),
    }
}

fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
        // Two hex digits are at most 255.
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_where_who_and_how() {
        let options = NatsOptions::new("nats://ann:p%40ss@one:4222, tls://two?namespace=shop.eu&wire=json").unwrap();
        assert_eq!(options.servers(), ["nats://one:4222", "tls://two"]);
        let who = Credentials::Password { user: "ann".into(), password: "p@ss".into() };
        assert_eq!((&options.credentials, options.wire), (&who, WireFormat::Json));
        assert_eq!(options.namespace.as_str(), "shop.eu");
        let options = NatsOptions::new("s3cret@localhost").unwrap();
        assert_eq!(options.servers(), ["nats://localhost"]);
        assert_eq!(options.credentials, Credentials::Token("s3cret".into()));
    }

    #[test]
    fn what_is_no_such_url_is_refused_and_no_password_is_printed() {
        let cases = [
            "",
            "nats://",
            "http://host",
            "nats://host/path",
            "nats://a,,b",
            "nats://a,nats://u:p@b",
            "nats://%4@a",
            "nats://a?namespace=b c",
            "nats://a?wire=xml",
            "nats://a?colour=red",
            "nats://%ff@a",
        ];
        for case in cases {
            assert!(NatsOptions::new(case).is_err(), "{case}");
        }
        let error = NatsOptions::new("nats://ann:hunter2@").unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
        assert!(NatsOptions::new("nats://a").unwrap().namespace("a".repeat(65)).is_err());
    }
}
