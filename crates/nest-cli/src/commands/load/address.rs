//! Which hosts may be put under load, and over which protocol.

use nest_data::{BehaviourSpec, diagnostic::secrets::secret_in, study::is_loopback};
use nest_load::code::Registry;

use crate::command_error::{CommandError, USAGE};

/// Splits a URL into scheme, host and port, and the path behind them. The path stays as written, with its
/// templates.
pub(super) fn split(url: &str) -> Result<(String, String), CommandError> {
    let bad = || {
        CommandError::new(USAGE, format!("{url:?} is not a URL to put load on"))
            .hint("write scheme and host, such as http://127.0.0.1:8080/")
    };
    let (scheme, rest) = url.split_once("://").ok_or_else(bad)?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if scheme.is_empty() || authority.is_empty() || authority.starts_with(':') {
        return Err(bad());
    }
    let path = path.split('#').next().unwrap_or_default();
    let path = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/{path}")
    };
    Ok((format!("{scheme}://{authority}"), path))
}

/// Refuses hosts that are neither this machine nor allowed. Reads the URL as the engine will read it.
pub(super) fn guard(base_url: &str, allowed: &[String]) -> Result<(), CommandError> {
    let bad = || {
        CommandError::new(
            USAGE,
            format!("{base_url:?} is not scheme, host and port (1 to 65535)"),
        )
        .hint("write them as in http://127.0.0.1:8080/")
    };
    let url = url::Url::parse(base_url).map_err(|_| bad())?;
    // In an HTTP URL, what looks like a path or a user name here could hide the real host from a reader.
    let http = matches!(url.scheme(), "http" | "https");
    let host = url
        .host_str()
        .filter(|_| !http || matches!(url.path(), "" | "/"))
        .ok_or_else(bad)?;
    if !is_loopback(host) && !allowed.iter().any(|allowed| allowed == host) {
        let message = format!("host `{host}` is not allowed: by default, load goes to this machine only");
        return Err(CommandError::new(USAGE, message).hint(format!(
            "if you are allowed to put load on it, add --allow-host {host}"
        )));
    }
    if url.password().is_some() || !url.username().is_empty() {
        let hint =
            "send it in a header: --header 'authorization: ...'; write a secret as {{ env(\"NAME\") }}";
        return Err(CommandError::new(
            USAGE,
            "a user name or password in the URL would be printed, and would not be sent",
        )
        .hint(hint));
    }
    Ok(())
}

/// Refuses secrets that a URL spells out, as it is printed and kept with the result.
pub(super) fn refuse_secrets(url: &str) -> Result<(), CommandError> {
    match secret_in(url) {
        None => Ok(()),
        Some(place) => Err(
            CommandError::new(USAGE, format!("the URL holds {place}; it would be printed"))
                .hint("export the value, and write {{ env(\"NAME\") }} in its place"),
        ),
    }
}

/// Refuses allowed hosts that are more than a host.
pub(super) fn check_hosts(allowed: &[String]) -> Result<(), CommandError> {
    if allowed
        .iter()
        .any(|host| host.contains(['/', '@', '?', '#', '\\']))
    {
        return Err(CommandError::new(USAGE, "--allow-host takes a host, and no URL")
            .hint("write the host alone, as in --allow-host shop.example"));
    }
    Ok(())
}

/// Refuses other protocols than HTTP for requests: only a behaviour in code can speak another one.
pub(super) fn check_protocol(
    base_url: &str,
    behaviour: &BehaviourSpec,
    registry: &Registry,
) -> Result<(), CommandError> {
    let scheme = base_url.split_once("://").map_or("", |(scheme, _)| scheme);
    if behaviour.code || matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https") {
        return Ok(());
    }
    let known = registry.names().into_keys().collect::<Vec<_>>().join(", ");
    let hint = if known.is_empty() {
        "use an http or https URL, or a program that contains a behaviour for this protocol".to_owned()
    } else {
        format!("name a behaviour written in Rust that speaks it: --behaviour with one of {known}")
    };
    Err(CommandError::new(
        USAGE,
        format!("requests are sent over http or https, not over {scheme}"),
    )
    .hint(hint))
}

#[cfg(test)]
mod tests {
    use nest_data::behaviour::Request;
    use nest_load::quick::QuickLoad;

    use super::*;

    #[test]
    fn a_url_is_cut_before_its_path_and_keeps_templates() {
        let cut = |url: &str| split(url).ok();
        assert_eq!(
            cut("http://h:80/a?b={{ int(1, 9) }}#c"),
            Some(("http://h:80".into(), "/a?b={{ int(1, 9) }}".into()))
        );
        assert_eq!(cut("http://h?x"), Some(("http://h".into(), "/?x".into())));
        assert_eq!(
            cut("https://[::1]:8443"),
            Some(("https://[::1]:8443".into(), "/".into()))
        );
        for bad in ["h:80/a", "http:///a", "http://:80/", "://h/"] {
            assert_eq!(cut(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_secret_that_a_url_spells_out_is_refused() {
        for bad in [
            "http://h/?token=4711",
            "http://h/a?b=1&api_key=4711",
            "http://u:4711@h/",
        ] {
            let refused = refuse_secrets(bad).expect_err(bad);
            assert!(
                refused.code == USAGE && !refused.text().contains("4711"),
                "{}",
                refused.text()
            );
        }
        for good in ["http://h/?page=2", "http://h/?token={{ env(\"TOKEN\") }}"] {
            assert!(refuse_secrets(good).is_ok(), "{good}");
        }
        assert!(
            check_hosts(&["me:4711@shop.test".to_owned()])
                .is_err_and(|refused| !refused.text().contains("4711"))
        );
    }

    #[test]
    fn only_behaviours_in_code_speak_other_protocols_than_http() {
        let (_, request) = QuickLoad::single(Request::default());
        let code = BehaviourSpec {
            code: true,
            steps: Vec::new(),
            ..request.clone()
        };
        let none = Registry::new();
        assert!(
            check_protocol("http://h", &request, &none).is_ok()
                && check_protocol("HTTPS://h", &request, &none).is_ok()
        );
        assert!(check_protocol("postgres://h:1/d", &code, &none).is_ok());
        assert_eq!(
            check_protocol("postgres://h:1/d", &request, &none).map_err(|refused| refused.code),
            Err(USAGE)
        );
    }

    #[test]
    fn only_this_machine_and_allowed_hosts_are_put_under_load() {
        let allowed = ["shop.test".to_owned()];
        for good in [
            "http://127.0.0.1:1",
            "http://[::1]:80",
            "http://localhost",
            "http://shop.test:8080",
            "postgres://127.0.0.1:5432/bank",
        ] {
            assert!(guard(good, &allowed).is_ok(), "{good}");
        }
        for bad in [
            "http://example.org",
            "http://127.0.0.1@example.org:80",
            "http://10.0.0.1",
            "postgres://127.0.0.1@10.0.0.1:5432/bank",
            "http://nosuch.invalid\\@127.0.0.1",
            "http://u:p@127.0.0.1",
            "postgres://bank@127.0.0.1:5432/bank",
            "nats://key@127.0.0.1:4222",
        ] {
            assert!(guard(bad, &allowed).is_err(), "{bad}");
        }
    }
}
