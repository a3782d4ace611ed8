//! What the guard answers itself: problem details (RFC 9457) for HTTP, a status in trailers for
//! gRPC. Nothing of a request is repeated in them but its trace id.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};

use super::body::Answer;
use crate::flights::{InFlight, TraceId};

/// An answer of the guard's own.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub status: StatusCode,
    pub title: &'static str,
    pub detail: &'static str,
    /// Seconds until another try makes sense.
    pub retry_after: Option<u64>,
    /// Whether the connection must not be used further.
    pub close: bool,
}

impl Problem {
    /// The child died, or none is ready.
    pub fn unavailable(detail: &'static str, retry_after: u64) -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            title: "Service temporarily unavailable",
            detail,
            retry_after: Some(retry_after.max(1)),
            close: false,
        }
    }
    /// The service broke off.
    pub fn bad_gateway(detail: &'static str) -> Self {
        Self {
            status: StatusCode::BAD_GATEWAY,
            title: "Bad gateway",
            detail,
            retry_after: None,
            close: false,
        }
    }
    /// The client's fault; the connection is closed, since where its next request begins is not
    /// certain.
    pub fn refused(status: StatusCode, title: &'static str, detail: &'static str) -> Self {
        Self { status, title, detail, retry_after: None, close: true }
    }

    /// As an answer to HTTP or gRPC. `http1`: whether `Connection: close` means something.
    pub fn answer(
        &self,
        grpc: bool,
        http1: bool,
        trace: Option<TraceId>,
        in_flight: Option<InFlight>,
    ) -> Response<Answer> {
        if let Some(in_flight) = &in_flight {
            in_flight.flight().answers(self.status);
            in_flight.flight().meets(incidents::Fate::Refused);
        }
        if grpc {
            return self.grpc_answer(in_flight);
        }
        let mut object = serde_json::json!({
            "type": "about:blank",
            "title": self.title,
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        if let Some(trace) = trace {
            object["trace_id"] = trace.to_string().into();
        }
        let mut response = Response::new(Answer::own(Bytes::from(object.to_string()), in_flight));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.close && http1 {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    /// Trailers only (gRPC over HTTP2, Responses): a client sees the status, not HTTP's.
    fn grpc_answer(&self, in_flight: Option<InFlight>) -> Response<Answer> {
        // The table of gRPC's "HTTP to gRPC status code mapping", where it has an entry.
        let code: u16 = match self.status.as_u16() {
            400 | 431 => 13,
            413 => 8,
            501 => 12,
            _ => 14,
        };
        let mut response = Response::new(Answer::own(Bytes::new(), in_flight));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert("grpc-status", HeaderValue::from(code));
        headers.insert("grpc-message", HeaderValue::from_static(self.detail));
        response
    }
}
