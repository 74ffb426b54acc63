//! The HTTP side: from routes to requests in the queue, and back.

use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use tokio::sync::oneshot;

use crate::Ledger;
use crate::error::ShopRefusal;
use crate::shop::Shop;
use crate::shop::answer::ShopAnswer;
use crate::shop::queue::BoundedQueue;
use crate::shop::request::{QueuedRequest, ShopExecution, ShopRequest};

/// Longest body that is read; a valid body has about 30 bytes.
const MOST_BODY_BYTES: usize = 16 * 1024;

/// The network thread's way to the workers.
#[derive(Debug, Clone)]
pub(crate) struct Front {
    pub(crate) shop: Arc<Shop>,
    pub(crate) queue: Arc<BoundedQueue<QueuedRequest>>,
}

/// All routes of the shop.
pub(crate) fn router(front: Front) -> Router {
    let behaviours = Router::new()
        .route("/login", post(login))
        .route("/items", get(browse))
        .route("/search", get(search))
        .route("/pay", post(pay))
        .route("/receipts/{id}", get(receipt))
        .route("/describe", post(describe));
    let behaviours = if front.shop.keeps_requests() {
        behaviours.layer(from_fn_with_state(front.clone(), keep_request))
    } else {
        behaviours
    };
    behaviours
        .route("/healthz", get(StatusCode::OK))
        .route("/empty", get(empty))
        .route("/ledger", get(ledger))
        .route("/reset", post(reset))
        .layer(DefaultBodyLimit::max(MOST_BODY_BYTES))
        .with_state(front)
}

impl Front {
    /// Hands a request to the workers and waits for the answer. The work goes on if the client hangs up.
    async fn ask(&self, request: ShopRequest) -> ShopAnswer {
        let (reply, answer) = oneshot::channel();
        match self.queue.push(QueuedRequest { request, reply }) {
            Ok(()) => answer.await.unwrap_or_else(|_| ShopRefusal::Closing.into()),
            Err(_) => ShopRefusal::QueueFull.into(),
        }
    }
}

#[derive(Deserialize)]
struct PageQuery {
    page: Option<u32>,
}

#[derive(Deserialize)]
struct SearchQuery {
    q: String,
}

async fn login(State(front): State<Front>, body: Bytes) -> ShopAnswer {
    front
        .ask(ShopRequest::ShopExecution(ShopExecution::Login { body }))
        .await
}

async fn browse(State(front): State<Front>, Query(query): Query<PageQuery>) -> ShopAnswer {
    front
        .ask(ShopRequest::ShopExecution(ShopExecution::Browse {
            page: query.page.unwrap_or(1),
        }))
        .await
}

async fn search(State(front): State<Front>, Query(query): Query<SearchQuery>) -> ShopAnswer {
    front
        .ask(ShopRequest::ShopExecution(ShopExecution::Search {
            word: query.q,
        }))
        .await
}

async fn pay(State(front): State<Front>, headers: HeaderMap, body: Bytes) -> ShopAnswer {
    front
        .ask(ShopRequest::ShopExecution(ShopExecution::Pay {
            session: session(&headers),
            body,
        }))
        .await
}

async fn receipt(State(front): State<Front>, headers: HeaderMap, Path(id): Path<String>) -> ShopAnswer {
    front
        .ask(ShopRequest::ShopExecution(ShopExecution::Receipt {
            session: session(&headers),
            id,
        }))
        .await
}

async fn describe(State(front): State<Front>, body: Bytes) -> ShopAnswer {
    front
        .ask(ShopRequest::ShopExecution(ShopExecution::Describe { body }))
        .await
}

async fn empty(State(front): State<Front>) -> ShopAnswer {
    front.ask(ShopRequest::Empty).await
}

async fn reset(State(front): State<Front>) -> ShopAnswer {
    front.ask(ShopRequest::Reset).await
}

async fn ledger(State(front): State<Front>) -> Json<Ledger> {
    Json(front.shop.ledger())
}

/// Keeps the line of a request and passes it on.
async fn keep_request(
    State(front): State<Front>,
    request: Request,
    next: Next,
) -> Result<Response, StatusCode> {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, MOST_BODY_BYTES)
        .await
        .map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
    let line = format!("{} {} {}", head.method, head.uri, String::from_utf8_lossy(&body));
    front.shop.keep_request(line.trim_end());
    Ok(next.run(Request::from_parts(head, Body::from(body))).await)
}

/// The value of the cookie `session`.
fn session(headers: &HeaderMap) -> Option<String> {
    let cookies = headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|value| value.split(';'))
        .find_map(|cookie| cookie.trim().strip_prefix("session="))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_session_is_found_among_other_cookies() {
        let mut headers = HeaderMap::new();
        assert_eq!(session(&headers), None);
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; mysession=2"));
        assert_eq!(session(&headers), None);
        headers.append(header::COOKIE, HeaderValue::from_static("b=3;session=abc; c=4"));
        assert_eq!(session(&headers), Some("abc".to_owned()));
    }
}
