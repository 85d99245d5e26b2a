use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::runtime::Runtime;
use url::{Host, Url};

use super::finding::{Finding, Ladder};
use crate::http::{Http, HttpError, Method, Reply, Request};

/// Beyond this, certificates and download addresses seem to have expired, or not to be valid yet.
const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_mins(2);
/// A resolver that says nothing may take minutes to give up.
const NAME_DEADLINE: Duration = Duration::from_secs(10);

/// Asks a host for anything: any reply proves the name, the way there and the certificate.
pub fn check(ladder: &mut Ladder, runtime: &Runtime, http: &Http, service: &Url) -> Option<Reply> {
    let host = service.host_str().unwrap_or_default();
    if let Err(reason) = runtime.block_on(resolve(service)) {
        let advice = "check the network and its name service; a proxy is named by HTTPS_PROXY";
        ladder.tell("host", Finding::bad(format!("the name {host} is not known here: {reason}"), advice));
        return None;
    }
    match runtime.block_on(greet(http, service)) {
        Ok(reply) => {
            ladder.tell("host", Finding::good(format!("{host} answers")));
            Some(reply)
        }
        Err(error) => {
            ladder.tell("host", Finding::bad(error.to_string(), advice(&error)));
            None
        }
    }
}

/// Behind a proxy it is the proxy that knows names.
async fn resolve(service: &Url) -> Result<(), String> {
    let proxied =
        ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"].iter().any(|name| std::env::var_os(name).is_some());
    let Some(Host::Domain(name)) = service.host().filter(|_| !proxied) else { return Ok(()) };
    let port = service.port_or_known_default().unwrap_or(443);
    match tokio::time::timeout(NAME_DEADLINE, tokio::net::lookup_host((name, port))).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("no answer".into()),
    }
}

async fn greet(http: &Http, service: &Url) -> Result<Reply, HttpError> {
    let mut root = service.clone();
    root.set_path("/");
    http.send(Request::new(Method::GET, root)).await
}

fn advice(error: &HttpError) -> &'static str {
    match error {
        HttpError::Unreachable { reason, .. } if reason.contains("certificate") => {
            "something on the way shows a certificate of its own, as some offices' proxies do, or this computer's \
             certificates or clock are wrong: sudo apt install ca-certificates; SSL_CERT_FILE names others"
        }
        _ => "check the network, the firewall and the proxy (HTTPS_PROXY)",
    }
}

/// By Apple's clock.
pub fn clock(theirs: Timestamp, ours: Timestamp) -> Finding {
    let skew = ours.duration_since(theirs);
    match skew.abs() <= CLOCK_TOLERANCE {
        true => Finding::good("the clock is right"),
        false => Finding::bad(
            format!("the clock is {} s {}", skew.abs().as_secs(), if skew.is_positive() { "fast" } else { "slow" }),
            "set it, for instance: sudo timedatectl set-ntp true",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_clock_is_told_with_its_direction() {
        let now = Timestamp::now();
        assert!(clock(now, now + SignedDuration::from_secs(60)).trouble.is_none());
        assert_eq!(clock(now, now + SignedDuration::from_secs(600)).what, "the clock is 600 s fast");
        assert_eq!(clock(now, now - SignedDuration::from_secs(600)).what, "the clock is 600 s slow");
    }

    #[tokio::test]
    async fn a_name_that_nobody_knows_is_told() {
        // RFC 2606 keeps `.invalid` from ever being known; behind a proxy nobody is asked.
        let unknown = resolve(&Url::parse("https://nobody.invalid/").unwrap()).await;
        let proxied = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
            .iter()
            .any(|name| std::env::var_os(name).is_some());
        assert_eq!(unknown.is_err(), !proxied);
        assert_eq!(resolve(&Url::parse("http://127.0.0.1:1/").unwrap()).await, Ok(()));
    }

    #[test]
    fn a_foreign_certificate_is_told_from_no_way() {
        let error = |reason: &str| HttpError::Unreachable { host: "h".into(), reason: reason.into() };
        assert!(advice(&error("invalid peer certificate: UnknownIssuer")).contains("SSL_CERT_FILE"));
        assert!(advice(&error("connection refused")).contains("firewall"));
    }
}
