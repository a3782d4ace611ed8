//! Asks a child whether it can serve: TCP, HTTP, or gRPC's health protocol (grpc.health.v1).

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use crate::options::Probe;

/// So much of an answer is read.
const MAX_ANSWER: usize = 64 << 10;

/// Whether the child answers well in time; in words why not.
pub(crate) async fn ask(address: SocketAddr, probe: &Probe, limit: Duration) -> Result<(), String> {
    match tokio::time::timeout(limit, once(address, probe)).await {
        Ok(result) => result,
        Err(_) => Err(format!("no answer within {limit:?}")),
    }
}

async fn once(address: SocketAddr, probe: &Probe) -> Result<(), String> {
    let stream = TcpStream::connect(address).await.map_err(|e| e.to_string())?;
    match probe {
        Probe::Tcp => Ok(()),
        Probe::Http(path) => {
            let response = get(stream, address, path).await?;
            let status = response.status();
            if status.as_u16() < 400 { Ok(()) } else { Err(format!("{path} answers {status}")) }
        }
        Probe::Grpc(service) => grpc(stream, address, service).await,
    }
}

async fn get(
    stream: TcpStream,
    address: SocketAddr,
    path: &str,
) -> Result<http::Response<hyper::body::Incoming>, String> {
    let (mut sender, connection) = http1::handshake::<_, Full<Bytes>>(TokioIo::new(stream))
        .await
        .map_err(|e| e.to_string())?;
    tokio::spawn(connection);
    let request = Request::get(path)
        .header("host", address.to_string())
        .header("user-agent", "unpanic-guard")
        .header("connection", "close")
        .body(Full::default())
        .map_err(|e| e.to_string())?;
    sender.send_request(request).await.map_err(|e| e.to_string())
}

/// The body of a page of the child, at most 4 MiB.
pub(crate) async fn page(address: SocketAddr, path: &str) -> Result<Bytes, String> {
    let stream = TcpStream::connect(address).await.map_err(|e| e.to_string())?;
    let response = get(stream, address, path).await?;
    if !response.status().is_success() {
        return Err(format!("{path} answers {}", response.status()));
    }
    let body = http_body_util::Limited::new(response.into_body(), 4 << 20);
    body.collect().await.map(http_body_util::Collected::to_bytes).map_err(|e| e.to_string())
}

/// `grpc.health.v1.Health/Check`: the message has the service's name as field 1, the answer the
/// status as field 1, of which 1 is SERVING.
async fn grpc(stream: TcpStream, address: SocketAddr, service: &str) -> Result<(), String> {
    let (mut sender, connection) =
        http2::handshake::<_, _, Full<Bytes>>(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .map_err(|e| e.to_string())?;
    tokio::spawn(connection);
    let mut message = Vec::new();
    if !service.is_empty() {
        prost::encoding::string::encode(1, &service.to_owned(), &mut message);
    }
    let mut body = BytesMut::new();
    body.put_u8(0);
    body.put_u32(u32::try_from(message.len()).map_err(|e| e.to_string())?);
    body.put_slice(&message);
    let request = Request::post(format!("http://{address}/grpc.health.v1.Health/Check"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Full::new(body.freeze()))
        .map_err(|e| e.to_string())?;
    let response = sender.send_request(request).await.map_err(|e| e.to_string())?;
    let early = response.headers().get("grpc-status").cloned();
    let body = http_body_util::Limited::new(response.into_body(), MAX_ANSWER);
    let body = body.collect().await.map_err(|e| e.to_string())?;
    let status = body.trailers().and_then(|t| t.get("grpc-status")).cloned().or(early);
    if status.as_ref().is_none_or(|status| status.as_bytes() != b"0") {
        return Err(format!("grpc-status {status:?}"));
    }
    let bytes = body.to_bytes();
    match bytes.get(5..) {
        Some([0x08, 1, ..]) => Ok(()),
        _ => Err("the health service does not say SERVING".to_owned()),
    }
}
