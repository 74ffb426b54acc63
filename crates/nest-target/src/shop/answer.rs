//! The answer that a worker returns to the network thread.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;

use crate::TokenUsage;
use crate::error::ShopRefusal;

/// A finished answer: the network thread only sends it.
#[derive(Debug)]
pub(crate) struct ShopAnswer {
    status: u16,
    body: Vec<u8>,
    session: Option<String>,
    /// Tokens that were used for it.
    pub(crate) usage: TokenUsage,
}

impl ShopAnswer {
    pub(crate) fn json(status: u16, body: &impl Serialize) -> Self {
        Self {
            status,
            body: serde_json::to_vec(body).expect("plain data serialises"),
            session: None,
            usage: TokenUsage::default(),
        }
    }

    /// The same answer, for which tokens were used.
    pub(crate) fn with_usage(self, usage: TokenUsage) -> Self {
        Self { usage, ..self }
    }

    /// The same answer, which also sets the cookie `session`.
    pub(crate) fn with_session(self, token: String) -> Self {
        Self {
            session: Some(token),
            ..self
        }
    }
}

impl From<ShopRefusal> for ShopAnswer {
    fn from(refusal: ShopRefusal) -> Self {
        Self::json(refusal.status(), &json!({ "error": refusal.to_string() }))
    }
}

impl IntoResponse for ShopAnswer {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = StatusCode::from_u16(self.status).expect("we write valid statuses only");
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(token) = self.session {
            let cookie = HeaderValue::try_from(format!("session={token}; Path=/; HttpOnly"))
                .expect("tokens are hexadecimal");
            response.headers_mut().insert(header::SET_COOKIE, cookie);
        }
        response
    }
}
