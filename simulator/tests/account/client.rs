//! A small client of the test's own: it does what the web client does and lets a test leave out or bend any step.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use icloud_simulator::Simulator;
use num_bigint::BigUint;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub const NAME: &str = "demo@example.invalid";
pub const PASSWORD: &str = "demo-library-2026";
const WIDGET_KEY: &str = "d39ba9916b7251055b22c7f910e2ea796ee65e98b2ddecea8f5dde8d9d1a815d";
const DATABASE: &str = "/database/1/com.apple.photos.cloud/production/private";

pub struct Client {
    http: reqwest::Client,
    base: String,
    pub session_id: Option<String>,
    pub scnt: Option<String>,
    pub session_token: String,
    pub trust_token: String,
    /// Whether A, B and S are hashed at full width.
    pub padded: bool,
}

/// What `signin/init` answered, and what is needed to finish.
pub struct Begun {
    pub body: Value,
    a: BigUint,
    exponent: BigUint,
}

impl Client {
    pub fn new(simulator: &Simulator) -> Client {
        let http = http();
        let base = simulator.url();
        let (session_token, trust_token) = (String::new(), String::new());
        Client { http, base, session_id: None, scnt: None, session_token, trust_token, padded: true }
    }

    /// The same browser after a restart: it keeps what is on disk and no sign-in.
    pub fn again(&self, simulator: &Simulator) -> Client {
        let (session_token, trust_token) = (self.session_token.clone(), self.trust_token.clone());
        Client { session_token, trust_token, ..Client::new(simulator) }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let home = "https://www.icloud.com";
        let request = self.http.request(method, format!("{}{path}", self.base));
        request.header("origin", home).header("referer", format!("{home}/"))
    }

    /// A request to sign-in, with its headers but for what the answer may look like.
    pub fn idmsa_request(&self, method: Method, path: &str) -> RequestBuilder {
        let always = [
            ("x-apple-widget-key", WIDGET_KEY),
            ("x-apple-oauth-client-id", WIDGET_KEY),
            ("x-apple-oauth-client-type", "firstPartyAuth"),
            ("x-apple-oauth-response-mode", "web_message"),
            ("x-apple-oauth-response-type", "code"),
        ];
        let sign_in = [("x-apple-id-session-id", self.session_id.as_deref()), ("scnt", self.scnt.as_deref())];
        let known = sign_in.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let request = self.request(method, &format!("/appleauth/auth{path}"));
        always.into_iter().chain(known).fold(request, |request, (name, value)| request.header(name, value))
    }

    /// Asks sign-in for JSON, and keeps what the answer says about the sign-in.
    pub async fn idmsa(&mut self, method: Method, path: &str, body: Option<Value>) -> Response {
        let request = self.idmsa_request(method, path).header("accept", "application/json");
        let request = body.iter().fold(request, |request, body| request.json(body));
        let response = request.send().await.unwrap();
        self.keep(&response);
        response
    }

    fn keep(&mut self, response: &Response) {
        let header = |name| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        assert!(header("x-apple-i-rscd").is_some(), "every answer tells its real status");
        self.scnt = header("scnt").or(self.scnt.take());
        self.session_id = header("x-apple-id-session-id").or(self.session_id.take());
        self.session_token = header("x-apple-session-token").unwrap_or(std::mem::take(&mut self.session_token));
        self.trust_token = header("x-apple-twosv-trust-token").unwrap_or(std::mem::take(&mut self.trust_token));
    }

    pub async fn init(&mut self, name: &str) -> Begun {
        let exponent = BigUint::from_bytes_be(&rand::random::<[u8; 32]>());
        self.init_with(name, exponent).await
    }

    pub async fn init_with(&mut self, name: &str, exponent: BigUint) -> Begun {
        let a = BigUint::from(2u8).modpow(&exponent, &prime());
        let body = json!({"a": BASE64_STANDARD.encode(wide(&a)), "accountName": name, "protocols": ["s2k", "s2k_fo"]});
        let response = self.idmsa(Method::POST, "/signin/init", Some(body)).await;
        assert_eq!(response.status(), 200);
        Begun { body: response.json().await.unwrap(), a, exponent }
    }

    pub fn proof(&self, begun: &Begun, name: &str, password: &str) -> Value {
        let bytes = |key: &str| BASE64_STANDARD.decode(begun.body[key].as_str().unwrap()).unwrap();
        let (salt, b) = (bytes("salt"), bytes("b"));
        assert_eq!(b.len(), 256);
        let digest = Sha256::digest(password).to_vec();
        let input = match begun.body["protocol"].as_str().unwrap() {
            "s2k" => digest,
            _ => digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into_bytes(),
        };
        let iterations = begun.body["iteration"].as_u64().unwrap() as u32;
        let key = pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(&input, &salt, iterations);
        let x = number(&hash(&[&salt, &hash(&[b":", &key])]));
        let (n, g) = (prime(), BigUint::from(2u8));
        let k = number(&hash(&[&wide(&n), &wide(&g)]));
        let u = number(&hash(&[&wide(&begun.a), &b]));
        let base = (number(&b) + &n * &k - k * g.modpow(&x, &n)) % &n;
        let secret = base.modpow(&(&begun.exponent + u * x), &n);
        let write = |number: &BigUint| if self.padded { wide(number) } else { number.to_bytes_be() };
        let (a, b, key) = (write(&begun.a), write(&number(&b)), hash(&[&write(&secret)]));
        let group: Vec<u8> = hash(&[&wide(&n)]).iter().zip(hash(&[&wide(&g)])).map(|(n, g)| n ^ g).collect();
        let m1 = hash(&[&group, &hash(&[name.as_bytes()]), &salt, &a, &b, &key]);
        let m2 = hash(&[&a, &m1, &key]);
        let trust: Vec<&String> = Some(&self.trust_token).filter(|token| !token.is_empty()).into_iter().collect();
        json!({"accountName": name, "c": begun.body["c"], "m1": BASE64_STANDARD.encode(m1),
               "m2": BASE64_STANDARD.encode(m2), "rememberMe": true, "trustTokens": trust})
    }

    pub async fn complete(&mut self, body: Value) -> Response {
        self.idmsa(Method::POST, "/signin/complete?isRememberMeEnabled=true", Some(body)).await
    }

    /// `init` and `complete` in one.
    pub async fn password(&mut self, name: &str, password: &str) -> Response {
        let begun = self.init(name).await;
        let body = self.proof(&begun, name, password);
        self.complete(body).await
    }

    pub async fn push(&mut self) -> Response {
        self.idmsa(Method::PUT, "/verify/trusteddevice/securitycode", None).await
    }

    pub async fn code(&mut self, code: &str) -> Response {
        let body = json!({"securityCode": {"code": code}});
        self.idmsa(Method::POST, "/verify/trusteddevice/securitycode", Some(body)).await
    }

    pub async fn trust(&mut self) -> Response {
        self.idmsa(Method::GET, "/2sv/trust", None).await
    }

    pub async fn setup(&self, endpoint: &str, body: Value) -> Response {
        self.request(Method::POST, &format!("/setup/ws/1/{endpoint}")).json(&body).send().await.unwrap()
    }

    pub async fn account_login(&self) -> Response {
        let body = json!({"accountCountryCode": "USA", "dsWebAuthToken": self.session_token, "extended_login": true,
                          "trustToken": self.trust_token});
        self.setup("accountLogin", body).await
    }

    /// The whole sign-in, with a code from a device.
    pub async fn sign_in(&mut self, simulator: &Simulator) {
        assert_eq!(self.password(NAME, PASSWORD).await.status(), 409);
        assert_eq!(self.push().await.status(), 202);
        assert!(self.code(&simulator.device_code()).await.status().is_success());
        assert_eq!(self.trust().await.status(), 204);
        assert_eq!(self.account_login().await.status(), 200);
    }

    /// A call that needs the account's data.
    pub async fn data(&self) -> Response {
        self.data_as(&[]).await
    }

    /// The same with these cookies instead of those that were set.
    pub async fn data_as(&self, cookies: &[String]) -> Response {
        let request = self.request(Method::POST, &format!("{DATABASE}/zones/list"));
        let request = request.header("content-type", "text/plain").body("{}");
        let request = if cookies.is_empty() { request } else { request.header("cookie", cookies.join("; ")) };
        request.send().await.unwrap()
    }
}

/// A client of its own jar, which takes no proxy from the environment.
#[expect(clippy::disallowed_methods, reason = "the rule is photosfs's; these tests share nothing with it")]
pub fn http() -> reqwest::Client {
    reqwest::Client::builder().cookie_store(true).no_proxy().build().unwrap()
}

/// The cookies that an answer sets, as `NAME=VALUE` without attributes; deletions left out.
pub fn cookies_of(response: &Response) -> Vec<String> {
    let lines = response.headers().get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
    let pairs = lines.map(|line| line.split(';').next().unwrap().to_owned());
    pairs.filter(|pair| !pair.ends_with("=\"\"")).collect()
}

pub fn prime() -> BigUint {
    let text = include_str!("prime.hex");
    BigUint::parse_bytes(text.trim().as_bytes(), 16).unwrap()
}

fn wide(number: &BigUint) -> Vec<u8> {
    let bytes = number.to_bytes_be();
    [vec![0; 256 - bytes.len()], bytes].concat()
}

fn number(bytes: &[u8]) -> BigUint {
    BigUint::from_bytes_be(bytes)
}

fn hash(parts: &[&[u8]]) -> Vec<u8> {
    Sha256::digest(parts.concat()).to_vec()
}
