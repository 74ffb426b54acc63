//! What locust-nest is compared with: the bare GET and the session of bench/engine, as a Goose load test.
//!
//! `--scenarios get` or `--scenarios session` chooses; everything else is Goose's own command line. As in
//! `bench/engine/session.toml`, status and body are checked, and what is wrong is failed in Goose's own
//! books.

use goose::metrics::GooseRequestMetric;
use goose::prelude::*;
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), GooseError> {
    GooseAttack::initialize()?
        .register_scenario(scenario!("get").register_transaction(transaction!(get)))
        .register_scenario(scenario!("session").register_transaction(transaction!(session)))
        .execute()
        .await?;
    Ok(())
}

/// One GET, its answer read to the last byte.
async fn get(user: &mut GooseUser) -> TransactionResult {
    Answer::to(user, GooseMethod::Get, "/", None, 200).await?;
    Ok(())
}

/// Logs in, takes an id out of a list and puts it into the cart, with the cookie and the token of the login.
async fn session(user: &mut GooseUser) -> TransactionResult {
    let credentials = Sent {
        token: None,
        json: json!({ "name": "ada", "password": "lovelace" }),
    };
    let token = Answer::to(user, GooseMethod::Post, "/login", Some(credentials), 200)
        .await?
        .text_at(user, "/token")?;
    let id = Answer::to(user, GooseMethod::Get, "/items", None, 200)
        .await?
        .text_at(user, "/items/0/id")?;
    let item = Sent {
        token: Some(token),
        json: json!({ "id": id, "count": 1 }),
    };
    Answer::to(user, GooseMethod::Post, "/cart", Some(item), 201)
        .await?
        .must_contain(user, "\"added\":true")
}

/// A JSON body and the token that goes with it.
struct Sent {
    token: Option<String>,
    json: Value,
}

/// An answer read to its last byte, and Goose's record of it.
struct Answer {
    request: GooseRequestMetric,
    body: String,
}

impl Answer {
    async fn to(
        user: &mut GooseUser,
        method: GooseMethod,
        path: &str,
        sent: Option<Sent>,
        status: u16,
    ) -> Result<Self, Box<TransactionError>> {
        let mut request = GooseRequest::builder()
            .path(path)
            .method(method)
            .expect_status_code(status)
            .error_on_fail();
        if let Some(sent) = sent {
            let mut with_body = user.get_request_builder(&method, path)?.json(&sent.json);
            if let Some(token) = sent.token {
                with_body = with_body.header("x-token", token);
            }
            request = request.set_request_builder(with_body);
        }
        let answered = user.request(request.build()).await?;
        Ok(Self {
            request: answered.request,
            body: answered.response?.text().await?,
        })
    }

    /// A text inside the JSON body.
    fn text_at(mut self, user: &mut GooseUser, pointer: &str) -> Result<String, Box<TransactionError>> {
        let parsed: Value = serde_json::from_str(&self.body).unwrap_or_default();
        match parsed.pointer(pointer).and_then(Value::as_str) {
            Some(text) => Ok(text.to_owned()),
            None => user
                .set_failure("the body lacks a value", &mut self.request, None, None)
                .map(|()| String::new()),
        }
    }

    fn must_contain(mut self, user: &mut GooseUser, text: &str) -> TransactionResult {
        if self.body.contains(text) {
            Ok(())
        } else {
            user.set_failure("the body lacks a text", &mut self.request, None, None)
        }
    }
}
