//! The client against a server of a few lines, which answers every connection with the same bytes.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use url::Url;

use super::*;

fn http(loopback: bool, stall: Duration) -> Http {
    let url = |text| Url::parse(text).unwrap();
    let (auth, setup) = (url("https://idmsa.apple.com/appleauth/auth"), url("https://setup.icloud.com/setup/ws/1"));
    let http =
        Http::new(&Endpoints { auth, setup, home: "https://www.icloud.com", loopback, first_wait: None }).unwrap();
    let shared = Arc::into_inner(http.shared).unwrap();
    Http { shared: Arc::new(Shared { stall, ..shared }) }
}

fn local() -> Http {
    http(true, STALL_DEADLINE)
}

/// An address that answers with `answer`, then closes, or with `hang` stands still; and what it was asked.
fn server(answer: impl Into<Vec<u8>>, hang: bool) -> (Url, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = Url::parse(&format!("http://{}/B/path?k=s3cret", listener.local_addr().unwrap())).unwrap();
    let (asked, heard) = channel();
    let answer = answer.into();
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                if stream.read(&mut byte).unwrap_or(0) == 0 {
                    break;
                }
                request.push(byte[0]);
            }
            let _ = asked.send(String::from_utf8(request).unwrap());
            // The client may have left by now, as it should after a bad head.
            let _ = stream.write_all(&answer);
            if hang {
                open.push(stream);
            }
        }
    });
    (url, heard)
}

fn answer(head: &str, body: &str) -> String {
    format!("HTTP/1.1 {head}\r\nconnection: close\r\n\r\n{body}")
}

/// Bytes 2..6 of ten.
async fn read(answer: String) -> Result<Vec<u8>, HttpError> {
    read_range(answer, 2..6).await
}

async fn read_range(answer: String, range: std::ops::Range<u64>) -> Result<Vec<u8>, HttpError> {
    let (url, _heard) = server(answer, false);
    let mut body = local().range(&url, range, 10).await?;
    let mut bytes = Vec::new();
    while let Some(chunk) = body.chunk().await? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

#[tokio::test]
async fn a_part_is_taken_only_if_it_is_the_part() {
    let part = |head: &str, body: &str| read(answer(&format!("206 Partial Content\r\n{head}"), body));
    assert_eq!(part("content-range: bytes 2-5/10\r\ncontent-length: 4", "2345").await.unwrap(), b"2345");
    assert_eq!(part("content-range: bytes 2-5/10", "2345").await.unwrap(), b"2345", "no length given");
    for (head, body) in [
        ("content-length: 4", "2345"),
        ("content-range: bytes 0-3/10\r\ncontent-length: 4", "0123"),
        ("content-range: bytes 2-5/11\r\ncontent-length: 4", "2345"),
        ("content-range: bytes 2-5/*\r\ncontent-length: 4", "2345"),
        ("content-range: bytes 2-5/10\r\ncontent-length: 5", "23456"),
        ("content-range: bytes 2-5/10\r\ncontent-type: text/html; charset=UTF-8", "oops"),
        ("content-range: bytes 2-5/10\r\ncontent-type: application/json", "{  }"),
    ] {
        let error = part(head, body).await.unwrap_err();
        assert!(matches!(error, HttpError::Unexpected { .. }), "{head}: {error}");
    }
}

#[tokio::test]
async fn a_whole_file_is_taken_only_if_it_was_asked_for() {
    let whole = || answer("200 OK\r\ncontent-length: 10", "0123456789");
    assert_eq!(read_range(whole(), 0..10).await.unwrap(), b"0123456789");
    assert!(matches!(read_range(whole(), 0..9).await, Err(HttpError::Unexpected { .. })));
    let short = answer("200 OK\r\ncontent-length: 17", r#"{"error":"sorry"}"#);
    assert!(matches!(read_range(short, 0..10).await, Err(HttpError::Unexpected { .. })));
}

#[tokio::test]
async fn short_and_long_bodies_are_errors() {
    let part = |rest: &str, body: &str| {
        read(answer(&format!("206 Partial Content\r\ncontent-range: bytes 2-5/10{rest}"), body))
    };
    for (rest, body) in [("\r\ncontent-length: 4", "234"), ("", "234"), ("", "")] {
        let error = part(rest, body).await.unwrap_err();
        assert!(matches!(error, HttpError::Interrupted { .. }), "{rest} {body}: {error}");
    }
    let long = part("", "23456").await.unwrap_err();
    assert!(matches!(long, HttpError::Unexpected { .. }), "{long}");
}

#[tokio::test]
async fn a_body_that_stands_still_is_given_up() {
    let head = "HTTP/1.1 206 Partial Content\r\ncontent-range: bytes 2-5/10\r\n\r\n23";
    for (answer, pieces) in [(head, 1), ("", 0)] {
        let (url, _heard) = server(answer, true);
        let http = http(true, Duration::from_millis(200));
        let mut seen = 0;
        let error = match http.range(&url, 2..6, 10).await {
            Err(error) => error,
            Ok(mut body) => loop {
                match body.chunk().await {
                    Ok(Some(_)) => seen += 1,
                    Ok(None) => panic!("a body that ends well"),
                    Err(error) => break error,
                }
            },
        };
        assert!(matches!(error, HttpError::TimedOut { .. }) && seen == pieces, "{error} after {seen}");
    }
}

#[tokio::test]
async fn a_refusal_keeps_its_status_and_no_address() {
    let gone = read(answer("410 Gone\r\ncontent-length: 0", "")).await.unwrap_err();
    assert_eq!(gone.status(), Some(410));
    let busy = read(answer("503 Busy\r\nretry-after: 9\r\ncontent-length: 0", "")).await.unwrap_err();
    assert_eq!(busy.verdict(), Verdict::After(Duration::from_secs(9)));
    for error in [gone, busy] {
        let text = format!("{error} {error:?}");
        assert!(!text.contains("s3cret") && !text.contains("path"), "{text}");
    }
}

#[tokio::test]
async fn content_hosts_are_told_nothing_of_the_account() {
    let (url, heard) = server(answer("410 Gone\r\ncontent-length: 0", ""), false);
    let _ = local().range(&url, 2..6, 10).await;
    let asked = heard.recv().unwrap().to_lowercase();
    assert!(asked.contains("range: bytes=2-5\r\n") && asked.contains("accept-encoding: identity\r\n"), "{asked}");
    for header in ["cookie:", "origin:", "referer:", "user-agent:", "authorization:"] {
        assert!(!asked.contains(header), "{asked}");
    }
}

#[tokio::test]
async fn only_content_hosts_are_asked_for_content() {
    for address in [
        "http://cvws.icloud-content.com/B/x",
        "https://icloud-content.com.evil.example/B/x",
        "https://evil-icloud-content.com/B/x",
        "https://p61-ckdatabasews.icloud.com/B/x",
        "https://127.0.0.1/B/x",
        "http://127.0.0.1:1/B/x",
        "file:///etc/passwd",
    ] {
        let error = http(false, STALL_DEADLINE).range(&Url::parse(address).unwrap(), 0..1, 1).await.err();
        assert!(matches!(error, Some(HttpError::Forbidden { .. })), "{address}: {error:?}");
    }
    for range in [0..0, 0..11] {
        let url = Url::parse("https://cvws.icloud-content.com/B/x").unwrap();
        let error = local().range(&url, range, 10).await.err();
        assert!(matches!(error, Some(HttpError::Forbidden { .. })), "{error:?}");
    }
}

#[tokio::test]
async fn a_call_follows_no_redirect_and_no_plain_http() {
    let (target, heard) = server(answer("200 OK\r\ncontent-length: 0", ""), false);
    let (url, _) = server(answer(&format!("302 Found\r\nlocation: {target}\r\ncontent-length: 0"), ""), false);
    let reply = local().send(Request::new(Method::POST, url.clone())).await.unwrap();
    assert_eq!((reply.status, heard.try_recv().is_err()), (302, true));
    let refused = http(false, STALL_DEADLINE).send(Request::new(Method::POST, url)).await;
    assert!(matches!(refused, Err(HttpError::Forbidden { .. })));
}

#[tokio::test]
async fn a_reply_has_a_largest_size() {
    let mut endless = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_vec();
    endless.resize(endless.len() + (64 << 20) + 1, b' ');
    let (url, _heard) = server(endless, false);
    let error = local().send(Request::new(Method::GET, url)).await.unwrap_err();
    assert!(matches!(error, HttpError::TooLarge { .. }), "{error}");
}

#[tokio::test]
async fn nobody_there() {
    let url = Url::parse("http://127.0.0.1:1/x?token=s3cret").unwrap();
    let error = local().send(Request::new(Method::GET, url)).await.unwrap_err();
    assert!(error.is_unreachable() && error.is_transient(), "{error:?}");
    let text = error.to_string();
    assert!(text.starts_with("127.0.0.1:1 cannot be reached: Connection refused (os error"), "{text}");
}
