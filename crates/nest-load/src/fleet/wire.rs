//! What both sides of a connection need.

use std::hash::{BuildHasher, RandomState};

use async_nats::{Message, Subscriber};
use futures_util::Stream;

/// 16 hexadecimal digits that no other process draws. They are no secret.
pub fn nonce() -> String {
    format!("{:016x}", RandomState::new().hash_one(std::process::id()))
}

/// The next message of a subscription; `None` once it is closed.
pub async fn next(subscriber: &mut Subscriber) -> Option<Message> {
    std::future::poll_fn(|context| std::pin::Pin::new(&mut *subscriber).poll_next(context)).await
}
