//! HTTP/2, gRPC and TLS, with a client of hyper's.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::json;
use tokio::net::TcpStream;

use crate::guarded::{Guarded, no_go};

fn message(text: &str) -> Vec<u8> {
    let mut bytes = vec![0];
    bytes.extend_from_slice(&(text.len() as u32).to_be_bytes());
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

async fn client(guarded: &Guarded) -> http2::SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(guarded.address).await.unwrap();
    let (sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn call(
    sender: &mut http2::SendRequest<Full<Bytes>>,
    path: &str,
    body: Vec<u8>,
) -> Response<Incoming> {
    let request = Request::post(format!("http://shop.example{path}"))
        .header("content-type", "application/grpc+proto")
        .header("te", "trailers")
        .body(Full::from(body))
        .unwrap();
    sender.send_request(request).await.unwrap()
}

#[test]
fn grpc_passes_through_and_its_failures_are_grpcs() {
    if no_go() {
        return;
    }
    let guarded = Guarded::start(json!({"arguments": ["-h2c"], "health": "grpc"}));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut sender = client(&guarded).await;
        let answer = call(&mut sender, "/test.Test/Echo", message("hello")).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "application/grpc");
        let body = answer.into_body().collect().await.unwrap();
        assert_eq!(body.trailers().unwrap()["grpc-status"], "0");
        assert_eq!(body.to_bytes(), message("hello"));
        // A call that waits when the service dies: UNAVAILABLE, in trailers only.
        let mut other = client(&guarded).await;
        let waiting = tokio::spawn(async move {
            let answer = call(&mut other, "/test.Test/Wait", message("x")).await;
            (answer.status(), answer.headers().clone())
        });
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        let fatal = Request::post("http://a/crash?mode=panic").body(Full::default()).unwrap();
        let fatal = sender.send_request(fatal).await.unwrap();
        assert_eq!(fatal.status(), 503, "plain HTTP gets a status of its own");
        let (status, headers) = waiting.await.unwrap();
        assert_eq!(status, 200);
        assert_eq!(headers["grpc-status"], "14", "{headers:?}");
        assert!(!headers["grpc-message"].is_empty());
        // The same connection goes on with the next child.
        let answer = call(&mut sender, "/test.Test/Echo", message("again")).await;
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), message("again"));
    });
}

#[test]
fn a_grpc_answer_that_a_crash_breaks_off_ends_with_a_status() {
    if no_go() {
        return;
    }
    let guarded = Guarded::start(json!({"arguments": ["-h2c"], "health": "grpc"}));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut sender = client(&guarded).await;
        let mut answer = call(&mut sender, "/test.Test/Begin", message("x")).await;
        assert_eq!(answer.status(), 200);
        let first = answer.frame().await.unwrap().unwrap();
        assert_eq!(first.into_data().unwrap(), message("x"), "it has begun");
        let fatal = Request::post("http://a/crash?mode=panic").body(Full::default()).unwrap();
        client(&guarded).await.send_request(fatal).await.unwrap();
        let rest = answer.into_body().collect().await.expect("no reset of the stream");
        let trailers = rest.trailers().expect("trailers");
        assert_eq!(trailers["grpc-status"], "14", "{trailers:?}");
        assert!(!trailers["grpc-message"].is_empty());
    });
}

#[test]
fn http2_becomes_http1_for_a_service_that_knows_no_other() {
    if no_go() {
        return;
    }
    let guarded = Guarded::start(json!({}));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut sender = client(&guarded).await;
        let request = Request::get("http://shop.example/headers")
            .header("cookie", "a=1")
            .header("cookie", "b=2")
            .body(Full::default())
            .unwrap();
        let answer = sender.send_request(request).await.unwrap();
        let text = answer.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&text).into_owned();
        assert!(text.contains("host: shop.example proto: HTTP/1.1"), "{text}");
        assert!(text.contains("Cookie: a=1; b=2"), "{text}");
        assert!(text.contains("Via: 2 unpanic"), "{text}");
    });
}

/// A certificate for localhost, by the program that comes with Go.
fn certificate(folder: &Path) {
    let root = Command::new("go").args(["env", "GOROOT"]).output().unwrap();
    let root = String::from_utf8(root.stdout).unwrap();
    let program = format!("{}/src/crypto/tls/generate_cert.go", root.trim());
    let made = Command::new("go")
        .args(["run", &program, "--host", "localhost"])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

#[test]
fn tls_speaks_both_protocols_by_alpn() {
    if no_go() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path());
    let file = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let guarded = Guarded::spawn(json!({"tls-cert": file("cert.pem"), "tls-key": file("key.pem")}));
    guarded.says("listening on");
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(file("cert.pem")).unwrap()).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        for protocol in ["h2", "http/1.1"] {
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let mut config = rustls::ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(roots.clone())
                .with_no_client_auth();
            config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
            let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
            let stream = TcpStream::connect(guarded.address).await.unwrap();
            let name = ServerName::try_from("localhost").unwrap();
            let stream = TokioIo::new(connector.connect(name, stream).await.unwrap());
            let request = Request::get("https://localhost/headers")
                .header("host", "localhost")
                .body(Full::<Bytes>::default());
            let answer = if protocol == "h2" {
                let (mut sender, connection) =
                    http2::handshake(TokioExecutor::new(), stream).await.unwrap();
                tokio::spawn(connection);
                sender.send_request(request.unwrap()).await.unwrap()
            } else {
                let (mut sender, connection) =
                    hyper::client::conn::http1::handshake(stream).await.unwrap();
                tokio::spawn(connection);
                sender.send_request(request.unwrap()).await.unwrap()
            };
            let text = answer.into_body().collect().await.unwrap().to_bytes();
            let text = String::from_utf8_lossy(&text).into_owned();
            assert!(text.contains("X-Forwarded-Proto: https"), "{protocol}: {text}");
        }
    });
}
