//! Where requests go and what they are: endpoints as configured, prepared so that a request that is
//! always the same costs no formatting.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version, header};
use http_body_util::Full;

use super::template::Template;
use crate::Error;

/// The body type of all requests.
pub type Body = Full<Bytes>;
/// More endpoints than this are a mistake; each has histograms of its own.
pub const MAX_ENDPOINTS: usize = 64;

/// How requests travel.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// HTTP/1.1.
    #[default]
    Http1,
    /// HTTP/2; without TLS, with prior knowledge (RFC 9113, section 3.3).
    Http2,
    /// Unary gRPC over HTTP/2.
    Grpc,
}

/// A base URL: scheme, host and port.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    /// Whether to use TLS.
    pub tls: bool,
    /// Name or address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// What stands before each path, without a slash at its end.
    pub prefix: String,
    /// Name and port as the Host header has them.
    pub authority: String,
}

impl Target {
    /// Reads `http://host:port/prefix`.
    pub fn parse(url: &str) -> Result<Self, Error> {
        let wrong = |why: &str| Error::Usage(format!("`{}`: {why}", diag::clean_line(url)));
        let uri: Uri = url
            .parse()
            .map_err(|_| wrong("no URL; expected something like http://127.0.0.1:8080/path"))?;
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(wrong("a URL begins with http:// or https://")),
        };
        let authority = uri.authority().ok_or_else(|| wrong("the URL names no host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("credentials in a URL are not sent; use a header"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let after = authority.as_str().rsplit(']').next().unwrap_or_default();
        if after.contains(':') && authority.port_u16().is_none() {
            return Err(wrong("a port lies between 1 and 65535"));
        }
        let path = uri.path_and_query().map_or("", |p| p.as_str());
        Ok(Self {
            tls,
            host,
            port,
            prefix: path.trim_end_matches('/').to_owned(),
            authority: authority.as_str().to_owned(),
        })
    }
}

/// An endpoint as configured.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint {
    /// How reports call it.
    pub name: String,
    /// Its share of all requests, relative to the others.
    pub weight: u32,
    /// Method.
    pub method: Method,
    /// Path and query.
    pub path: Template,
    /// Headers.
    pub headers: Vec<(HeaderName, Template)>,
    /// Body.
    pub body: Payload,
    /// Which statuses are good; none: those below 400.
    pub expect: Vec<u16>,
}

/// A request's body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Payload {
    /// Text with places to fill.
    Template(Template),
    /// Bytes.
    Bytes(Bytes),
}

/// An endpoint that is ready to be sent.
pub struct Prepared {
    endpoint: Endpoint,
    target: Target,
    protocol: Protocol,
    uri: Option<Uri>,
    headers: HeaderMap,
    /// Headers that differ from request to request.
    filled: Vec<(HeaderName, Template)>,
    body: Option<Bytes>,
}

impl Prepared {
    /// Checks everything that can be checked before the first request.
    pub fn new(endpoint: &Endpoint, target: &Target, protocol: Protocol) -> Result<Self, Error> {
        let wrong = |what: String| Error::Usage(format!("endpoint `{}`: {what}", endpoint.name));
        let mut headers = HeaderMap::new();
        let mut filled = Vec::new();
        let host = HeaderValue::from_str(&target.authority)
            .map_err(|_| wrong("the host is no header value".to_owned()))?;
        if protocol == Protocol::Http1 {
            headers.insert(header::HOST, host);
        }
        let agent = concat!("unpanic/", env!("CARGO_PKG_VERSION"));
        headers.insert(header::USER_AGENT, HeaderValue::from_static(agent));
        if protocol == Protocol::Grpc {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
            headers.insert(header::TE, HeaderValue::from_static("trailers"));
        }
        for (name, template) in &endpoint.headers {
            match template.constant() {
                Some(value) => {
                    let value = HeaderValue::from_str(value).map_err(|_| {
                        wrong(format!("header {name} has bytes that no header may"))
                    })?;
                    headers.insert(name.clone(), value);
                }
                None => {
                    filled.push((name.clone(), template.clone()));
                }
            }
        }
        let body = match &endpoint.body {
            Payload::Bytes(bytes) => Some(bytes.clone()),
            Payload::Template(template) => {
                template.constant().map(|text| Bytes::from(text.to_owned()))
            }
        };
        let mut prepared = Self {
            endpoint: endpoint.clone(),
            target: target.clone(),
            protocol,
            uri: None,
            headers,
            filled,
            body: body.map(|body| framed(body, protocol)),
        };
        // A template is tried once, so that a bad path is told before the load and not by each request.
        let uri =
            prepared.uri_for(0).map_err(|_| wrong("the path is no path of a URL".to_owned()))?;
        if prepared.endpoint.path.constant().is_some() {
            prepared.uri = Some(uri);
        }
        Ok(prepared)
    }

    /// What is configured.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    fn uri_for(&self, number: u64) -> Result<Uri, http::Error> {
        let mut path = self.target.prefix.clone();
        path.push_str(&self.endpoint.path.fill(number));
        if !path.starts_with('/') {
            path.insert(0, '/');
        }
        // HTTP/1.1 sends the path alone, HTTP/2 wants the rest in fields of its own.
        if self.protocol == Protocol::Http1 {
            return Ok(path.parse::<Uri>()?);
        }
        let scheme = if self.target.tls { "https" } else { "http" };
        Uri::builder()
            .scheme(scheme)
            .authority(self.target.authority.as_str())
            .path_and_query(path)
            .build()
    }

    /// Request number `number`; none when what was filled in makes no valid request.
    pub fn request(&self, number: u64) -> Option<Request<Body>> {
        let uri = match &self.uri {
            Some(uri) => uri.clone(),
            None => self.uri_for(number).ok()?,
        };
        let body = match (&self.body, &self.endpoint.body) {
            (Some(body), _) => body.clone(),
            (None, Payload::Template(template)) => {
                framed(Bytes::from(template.fill(number)), self.protocol)
            }
            (None, Payload::Bytes(bytes)) => framed(bytes.clone(), self.protocol),
        };
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = self.endpoint.method.clone();
        *request.uri_mut() = uri;
        *request.version_mut() = match self.protocol {
            Protocol::Http1 => Version::HTTP_11,
            Protocol::Http2 | Protocol::Grpc => Version::HTTP_2,
        };
        request.headers_mut().clone_from(&self.headers);
        for (name, template) in &self.filled {
            let value = HeaderValue::from_str(&template.fill(number)).ok()?;
            request.headers_mut().insert(name.clone(), value);
        }
        Some(request)
    }

    /// Whether answers have to carry a gRPC status.
    pub fn is_grpc(&self) -> bool {
        self.protocol == Protocol::Grpc
    }

    /// Whether a status is as wanted.
    pub fn is_expected(&self, status: u16) -> bool {
        match self.endpoint.expect.as_slice() {
            [] => status < 400,
            wanted => wanted.contains(&status),
        }
    }
}

/// A gRPC message has five bytes before it: not compressed, and its length.
fn framed(body: Bytes, protocol: Protocol) -> Bytes {
    if protocol != Protocol::Grpc {
        return body;
    }
    let mut framed = Vec::with_capacity(body.len() + 5);
    framed.push(0);
    framed.extend_from_slice(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes());
    framed.extend_from_slice(&body);
    framed.into()
}

/// Chooses endpoints by weight, evenly spread: with weights 3 and 1, every fourth request is the second.
pub struct Wheel {
    weights: Vec<i64>,
    credit: Vec<i64>,
}

impl Wheel {
    /// Of these weights; at least one is not zero.
    pub fn new(weights: impl Iterator<Item = u32>) -> Self {
        let weights: Vec<i64> = weights.map(i64::from).collect();
        Self { credit: vec![0; weights.len()], weights }
    }

    /// The next endpoint's index (smooth weighted round robin).
    pub fn next(&mut self) -> usize {
        if self.weights.len() == 1 {
            return 0;
        }
        let total: i64 = self.weights.iter().sum();
        let mut best = 0;
        for i in 0..self.weights.len() {
            self.credit[i] += self.weights[i];
            if self.credit[i] > self.credit[best] {
                best = i;
            }
        }
        self.credit[best] -= total;
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_kept_exactly_and_mixed() {
        let mut wheel = Wheel::new([3, 1, 0].into_iter());
        let chosen: Vec<usize> = (0..8).map(|_| wheel.next()).collect();
        assert_eq!(chosen.iter().filter(|i| **i == 1).count(), 2);
        assert_eq!(chosen.iter().filter(|i| **i == 2).count(), 0);
        assert_ne!(chosen[..2], [1, 1]);
    }

    #[test]
    fn urls_are_read_or_refused() {
        let target = Target::parse("https://[::1]:8443/api/").unwrap();
        assert_eq!((target.tls, target.port, target.host.as_str()), (true, 8443, "::1"));
        assert_eq!(target.prefix, "/api");
        assert_eq!(Target::parse("http://h").unwrap().port, 80);
        for url in ["", "h:80", "ftp://h", "http://", "http://u:p@h/", "http://h:99999/"] {
            assert!(Target::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_grpc_message_is_framed() {
        let framed = framed(Bytes::from_static(b"abc"), Protocol::Grpc);
        assert_eq!(&framed[..], &[0, 0, 0, 0, 3, b'a', b'b', b'c']);
    }
}
