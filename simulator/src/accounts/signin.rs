//! The password: `authorize/signin`, `federate`, `signin/init`, `signin/complete`, `repair/complete`.

use axum::http::{HeaderValue, header};
use axum::response::Response;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use num_bigint::BigUint;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::idmsa::{self, SignIn, Stage, service_errors};
use super::srp::{self, Exchange, Form, Proof};
use super::visit::Visit;
use super::{Accounts, challenge, tokens};
use crate::options::Protocol;
use crate::reply;

/// What `signin/init` leaves for `signin/complete`; used once.
pub struct Handshake {
    pub exchange: Exchange,
    pub name: String,
    pub salt: [u8; 16],
    pub session_id: String,
}

/// The warm-up page that hands out the first `scnt`.
pub fn authorize(_: &mut Accounts, visit: &Visit) -> Result<Response, Response> {
    if visit.call.query("client_id").is_none() {
        visit.breach("no client_id");
    }
    let mut response = reply::typed(200, "text/html;charset=UTF-8", "<!DOCTYPE html><title>Sign in</title>");
    hashcash(&mut response);
    cookie(&mut response, visit, "aasp", &tokens::random(40), "idmsa.apple.com");
    cookie(&mut response, visit, "dslang", "US-EN", "apple.com");
    Ok(response)
}

/// Whether an organisation signs this person in: never, here.
pub fn federate(_: &mut Accounts, visit: &Visit) -> Result<Response, Response> {
    visit.body()?;
    Ok(reply::json(200, &json!({"federated": false, "hasSWP": true})))
}

/// The client's public value against salt, iterations and the server's public value.
pub fn init(accounts: &mut Accounts, visit: &Visit) -> Result<Response, Response> {
    if visit.switches.throttled {
        return Err(reply::text(503, "Service Temporary Unavailable"));
    }
    let body = visit.body()?;
    let name = account_name(&body);
    let session_id = session_for(accounts, visit, &name);
    let (c, handshake, mut response) = challenged(accounts, visit, &body, &name, &session_id)?;
    accounts.handshakes.insert(c, handshake);
    reply::set(&mut response, "x-apple-id-session-id", &session_id);
    Ok(response)
}

/// The answer to the client's public value, what to keep of it, and the name to keep it under.
pub fn challenged(
    accounts: &mut Accounts,
    visit: &Visit,
    body: &Value,
    name: &str,
    session_id: &str,
) -> Result<(String, Handshake, Response), Response> {
    let protocol = protocol(visit, body)?;
    let iterations = visit.switches.iterations;
    let (salt, verifier) = match accounts.known.get_mut(name) {
        Some(account) => (account.salt, account.verifier(protocol, iterations)),
        None => invented(name),
    };
    let a = binary(&body["a"]).unwrap_or_default();
    let exponent = BigUint::from_bytes_be(&rand::random::<[u8; 32]>());
    let Some(exchange) = Exchange::new(&a, &verifier, &exponent) else {
        visit.breach("SRP value A is zero modulo the prime, or not below it");
        return Err(service_errors(400, "-20001", "Malformed request"));
    };
    let b = BASE64_STANDARD.encode(exchange.b());
    let c = format!("d-{}:MSA", tokens::uuid());
    let response = reply::json(
        200,
        &json!({"iteration": iterations, "salt": BASE64_STANDARD.encode(salt), "protocol": spelled(protocol),
                "version": 1, "b": b, "c": c}),
    );
    let handshake = Handshake { exchange, name: name.to_owned(), salt, session_id: session_id.to_owned() };
    Ok((c, handshake, response))
}

/// The switch's derivation if the client offers it, otherwise the one it does offer.
fn protocol(visit: &Visit, body: &Value) -> Result<Protocol, Response> {
    let offered: Vec<&str> = body["protocols"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let wanted = visit.switches.protocol;
    [wanted, Protocol::S2k, Protocol::S2kFo].into_iter().find(|one| offered.contains(&spelled(*one))).ok_or_else(|| {
        visit.breach("offers neither s2k nor s2k_fo");
        service_errors(400, "-20001", "Malformed request")
    })
}

fn spelled(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::S2k => "s2k",
        Protocol::S2kFo => "s2k_fo",
    }
}

/// A salt and verifier for nobody, always the same for a name: `init` does not tell who has an account.
fn invented(name: &str) -> ([u8; 16], BigUint) {
    let digest: [u8; 32] = Sha256::digest(format!("nobody {name}")).into();
    let mut salt = [0; 16];
    salt.copy_from_slice(&digest[..16]);
    (salt, srp::verifier(&tokens::random(32), &salt, 1000, Protocol::S2k))
}

/// The sign-in that the client says it is in, begun anew, or a new one.
fn session_for(accounts: &mut Accounts, visit: &Visit, name: &str) -> String {
    let given = visit.call.header("x-apple-id-session-id");
    let id = match given.filter(|id| accounts.sign_ins.contains_key(*id)) {
        Some(id) => id.to_owned(),
        None => tokens::random(48),
    };
    if given.is_some_and(|given| given != id) {
        visit.note("a session id of another time");
    }
    accounts.sign_ins.insert(id.clone(), SignIn::new(name));
    id
}

/// The client's proof.
pub fn complete(accounts: &mut Accounts, visit: &Visit) -> Result<Response, Response> {
    let body = visit.body()?;
    let Some(handshake) = body["c"].as_str().and_then(|c| accounts.handshakes.remove(c)) else {
        visit.breach("`c` was never issued, or was used before");
        return Err(service_errors(400, "-20001", "Malformed request"));
    };
    let right = proven(accounts, visit, &handshake, &body);
    let strict = visit.switches.locks_accounts;
    let guarded = accounts.known.get_mut(&handshake.name);
    let locked = guarded.is_some_and(|account| account.guard.tried(right, visit.now_s, strict));
    if !right {
        return Err(wrong_password(visit));
    }
    if visit.switches.locked || locked {
        return Err(service_errors(403, "-20209", "This Apple Account has been locked for security reasons"));
    }
    let trusted = trusted(accounts, visit, &body, &handshake.name);
    let mut two_factor = json!({"authType": "hsa2"});
    if visit.switches.security_keys {
        challenge::security_keys(&mut two_factor);
    }
    let (stage, mut response) = match (visit.switches.two_factor, trusted) {
        // The codes of the old verification are the account service's business (protocol/auth.md §3.5).
        _ if visit.switches.old_two_step => (Stage::Password, reply::json(200, &json!({"authType": "hsa"}))),
        (false, _) => (Stage::Proven, reply::json(412, &json!({"authType": "sa"}))),
        (true, true) if visit.switches.escrow.is_some() => (Stage::Escrow, reply::json(409, &two_factor)),
        (true, true) => (Stage::Proven, reply::json(200, &two_factor)),
        (true, false) => (Stage::Password, reply::json(409, &two_factor)),
    };
    if visit.switches.escrow.is_some() {
        // Without a trust token, too, where it means nothing yet (protocol/auth.md §1.6).
        reply::set(&mut response, "x-apple-edp", "true");
    }
    let token = accounts.tokens.new_session(&handshake.name, stage);
    if let Some(sign_in) = accounts.sign_ins.get_mut(&handshake.session_id) {
        sign_in.stage = stage;
        sign_in.session_token = Some(token.clone());
    }
    reply::set(&mut response, "x-apple-id-session-id", &handshake.session_id);
    signed_headers(&mut response, visit, &token);
    Ok(response)
}

/// The headers that a proven password brings (protocol/auth.md §1.5).
fn signed_headers(response: &mut Response, visit: &Visit, token: &str) {
    reply::set(response, "x-apple-session-token", token);
    reply::set(response, "x-apple-id-account-country", "USA");
    reply::set(response, "x-apple-twosv-trust-eligible", "true");
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_static("/auth"));
    hashcash(response);
    cookie(response, visit, "aasp", &tokens::random(40), "idmsa.apple.com");
}

/// Whether the client knows the password, and the proof is over the name of the account.
fn proven(accounts: &mut Accounts, visit: &Visit, handshake: &Handshake, body: &Value) -> bool {
    let Some(proof) = proof(visit, body) else { return false };
    if account_name(body) != handshake.name {
        visit.breach("completes for another account than it began with");
        return false;
    }
    let typed = body["accountName"].as_str().unwrap_or_default();
    let as_typed = handshake.exchange.form_of(&proof, typed, &handshake.salt);
    let form = handshake.exchange.form_of(&proof, &handshake.name, &handshake.salt);
    if form.is_none() && as_typed.is_some() {
        visit.note("a proof over the account name as typed; Apple hashes it in lower case");
    }
    let form = form.or(as_typed.filter(|_| visit.switches.name_as_typed));
    if form == Some(Form::Shortest) {
        visit.note("a proof in the shortest form");
    }
    accounts.proofs.extend(form);
    form.is_some() && accounts.known.contains_key(&handshake.name)
}

/// The two proofs of a body.
pub fn proof(visit: &Visit, body: &Value) -> Option<Proof> {
    let proof = binary(&body["m1"]).zip(binary(&body["m2"])).map(|(m1, m2)| Proof { m1, m2 });
    if proof.is_none() {
        visit.breach("m1 or m2 is not base64");
    }
    proof
}

pub fn wrong_password(visit: &Visit) -> Response {
    let message = "The Apple ID or password you entered is incorrect";
    if !visit.switches.refusal_in_header_only {
        return service_errors(401, "-20101", message);
    }
    let mut response = service_errors(200, "-20101", message);
    reply::set(&mut response, "x-apple-i-rscd", "401");
    response
}

/// Whether one of the trust tokens sent spares the second factor. One client sends a lone null for none.
fn trusted(accounts: &Accounts, visit: &Visit, body: &Value, name: &str) -> bool {
    let sent: Vec<&str> = body["trustTokens"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if sent.iter().any(|token| accounts.tokens.trust_owner(token).is_none()) {
        visit.note("a trust token of another simulator");
    }
    if sent.iter().any(|token| accounts.tokens.trust_owner(token).is_some_and(|owner| owner != name)) {
        visit.breach("another account's trust token");
    }
    !visit.switches.trust_tokens_dead && sent.iter().any(|token| accounts.tokens.trusts(token, name))
}

/// Steps over the "set up two-factor authentication" page of an account that has none.
pub fn repair(accounts: &mut Accounts, visit: &Visit) -> Result<Response, Response> {
    idmsa::sign_in(accounts, visit, Stage::Proven)?;
    Ok(reply::empty(200))
}

/// Trimmed and lower-cased, as Apple takes it.
fn account_name(body: &Value) -> String {
    body["accountName"].as_str().unwrap_or_default().trim().to_lowercase()
}

pub fn binary(value: &Value) -> Option<Vec<u8>> {
    BASE64_STANDARD.decode(value.as_str()?).ok()
}

/// An invitation to a proof of work, which nobody needs to accept (protocol/auth.md §2.3).
fn hashcash(response: &mut Response) {
    reply::set(response, "x-apple-hc-bits", "11");
    reply::set(response, "x-apple-hc-challenge", &srp::hex(&rand::random::<[u8; 16]>()));
}

fn cookie(response: &mut Response, visit: &Visit, name: &str, value: &str, domain: &str) {
    let text = format!("{name}={value}; {}; HttpOnly", visit.call.front.cookie_scope(domain));
    let value = HeaderValue::from_str(&text).expect("cookies are made of printable ASCII");
    response.headers_mut().append(header::SET_COOKIE, value);
}
