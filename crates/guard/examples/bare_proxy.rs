//! The least that a reverse proxy on hyper can do: no headers changed, nothing noted, nothing
//! retried. What the guard's throughput is compared with (`cargo xtask scoreboard guard-throughput`).
//!
//! `bare_proxy LISTEN UPSTREAM [--http2]`

use std::net::SocketAddr;

use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

type Error = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let mut address = || -> Result<SocketAddr, Error> {
        Ok(arguments.next().ok_or("bare_proxy LISTEN UPSTREAM [--http2]")?.parse()?)
    };
    let (listen, upstream) = (address()?, address()?);
    let http2 = arguments.next().is_some_and(|word| word == "--http2");
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Client<_, Incoming> =
        Client::builder(TokioExecutor::new()).http2_only(http2).build(connector);
    let listener = TcpListener::bind(listen).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let client = client.clone();
        tokio::spawn(async move {
            let service = service_fn(|mut request: http::Request<Incoming>| {
                let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
                let target = format!("http://{upstream}{path}").parse();
                *request.uri_mut() = target.expect("an address and a path that was parsed already");
                client.request(request)
            });
            // An error ends the connection; there is nobody to tell.
            let io = TokioIo::new(stream);
            let _ = if http2 {
                http2::Builder::new(TokioExecutor::new()).serve_connection(io, service).await
            } else {
                http1::Builder::new().serve_connection(io, service).await
            };
        });
    }
}
