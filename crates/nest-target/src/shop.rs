//! One execution: the real work, the lock, the second tier, and the burn up to the set demand.

mod amount;
pub(crate) mod answer;
mod description;
mod kept;
pub(crate) mod pool;
pub(crate) mod queue;
pub(crate) mod request;
pub(crate) mod routes;
mod sessions;
pub(crate) mod store;

use std::sync::{Mutex, OnceLock};
use std::thread;

use serde::Deserialize;
use serde_json::json;

use crate::clock::ThreadClock;
use crate::error::ShopRefusal;
use crate::shop::answer::ShopAnswer;
use crate::shop::kept::KeptLines;
use crate::shop::request::{ShopExecution, ShopRequest};
use crate::shop::sessions::Sessions;
use crate::shop::store::{FILLED_PAYMENTS, Store};
use crate::tier::client::TierClient;
use crate::{Ledger, ShopOptions, clock};

/// The state that all workers share.
#[derive(Debug)]
pub(crate) struct Shop {
    options: ShopOptions,
    sessions: Mutex<Sessions>,
    ledger: Mutex<Ledger>,
    kept: Mutex<KeptLines>,
    /// The lock of [`ShopOptions::lock_s`].
    global: Mutex<()>,
    /// The clocks of all threads, with what they and the executions had spent when the shop opened.
    opening: OnceLock<Opening>,
    /// One writer at a time: SQLite has a single writer anyway, but makes the others poll for it asleep.
    writing: Mutex<()>,
}

#[derive(Debug)]
struct Opening {
    clocks: Vec<ThreadClock>,
    spent_s: f64,
    inside_s: f64,
}

/// One worker, with its own connections.
#[derive(Debug)]
pub(crate) struct Clerk<'shop> {
    pub(crate) shop: &'shop Shop,
    pub(crate) store: Store,
    pub(crate) tier: Option<TierClient>,
}

#[derive(Deserialize)]
struct LoginBody {
    customer: u64,
}

#[derive(Deserialize)]
struct PayBody {
    amount: String,
}

#[derive(Deserialize)]
struct DescribeBody {
    item: u32,
    words: usize,
}

/// Words that a description may have.
const WORDS: std::ops::RangeInclusive<usize> = 1..=1_000;

impl Shop {
    pub(crate) fn new(options: ShopOptions) -> Self {
        let ledger = Ledger {
            items: u64::from(options.items),
            ..Ledger::default()
        };
        Self {
            sessions: Mutex::new(Sessions::new(options.leak_bytes_per_session)),
            ledger: Mutex::new(ledger),
            kept: Mutex::default(),
            global: Mutex::default(),
            opening: OnceLock::new(),
            writing: Mutex::default(),
            options,
        }
    }

    /// Opens the shop: sets the calibrated cost of an empty request, and counts overhead on `clocks` from now
    /// on.
    pub(crate) fn open(&self, empty_request_s: f64, clocks: Vec<ThreadClock>) {
        let mut ledger = self.ledger.lock().expect("no holder of the ledger panics");
        ledger.empty_request_s = empty_request_s;
        let opening = Opening {
            spent_s: spent_by(&clocks),
            inside_s: inside_s(&ledger),
            clocks,
        };
        self.opening.set(opening).expect("a shop opens once");
    }

    fn empty_request_s(&self) -> f64 {
        self.ledger
            .lock()
            .expect("no holder of the ledger panics")
            .empty_request_s
    }

    /// The ledger as it is now.
    pub(crate) fn ledger(&self) -> Ledger {
        let mut ledger = self
            .ledger
            .lock()
            .expect("no holder of the ledger panics")
            .clone();
        if let Some(opening) = self.opening.get() {
            ledger.overhead_s =
                spent_by(&opening.clocks) - opening.spent_s - (inside_s(&ledger) - opening.inside_s);
        }
        let kept = self.kept.lock().expect("no holder of the lines panics");
        ledger.requests = kept.lines().to_vec();
        ledger
    }

    /// Keeps the line of a request.
    pub(crate) fn keep_request(&self, line: &str) {
        self.kept
            .lock()
            .expect("no holder of the lines panics")
            .keep(line.to_owned());
    }

    /// Whether the line of every request is kept.
    pub(crate) fn keeps_requests(&self) -> bool {
        self.options.keep_requests
    }

    fn hold_global_lock(&self) {
        if let Some(time) = self.options.lock() {
            let _held = self.global.lock().expect("no holder of the global lock panics");
            thread::sleep(time);
        }
    }
}

impl Clerk<'_> {
    /// Does the work of a request and returns the answer.
    pub(crate) fn answer(&mut self, request: &ShopRequest) -> ShopAnswer {
        let answer = match request {
            ShopRequest::Empty => Ok(ShopAnswer::json(200, &json!({}))),
            ShopRequest::Reset => self.reset(),
            ShopRequest::ShopExecution(execution) => self.execute(execution),
        };
        answer.unwrap_or_else(ShopAnswer::from)
    }

    /// A refusal ends the execution before anything is burnt, and the ledger does not count it.
    fn execute(&mut self, execution: &ShopExecution) -> Result<ShopAnswer, ShopRefusal> {
        let start_s = clock::spent_s();
        let answer = self.work(execution)?;
        self.shop.hold_global_lock();
        let behaviour = execution.behaviour();
        let demand = self.shop.options.demand(behaviour);
        if let Some(tier) = &mut self.tier {
            tier.burn(behaviour, demand.database_s)
                .map_err(ShopRefusal::Tier)?;
        }
        let empty_s = self.shop.empty_request_s();
        clock::burn_until(start_s + demand.shop_s - empty_s);
        let cpu_s = clock::spent_s() - start_s;
        let mut ledger = self.shop.ledger.lock().expect("no holder of the ledger panics");
        ledger.record(behaviour, cpu_s, demand.shop_s);
        ledger.tokens.add(answer.usage);
        Ok(answer)
    }

    /// The real work of an execution.
    fn work(&self, execution: &ShopExecution) -> Result<ShopAnswer, ShopRefusal> {
        match execution {
            ShopExecution::Login { body } => self.login(body),
            ShopExecution::Browse { page } => Ok(ShopAnswer::json(200, &self.store.page(*page)?)),
            ShopExecution::Search { word } => Ok(ShopAnswer::json(
                200,
                &json!({ "hits": self.store.search(word)? }),
            )),
            ShopExecution::Pay { session, body } => self.pay(session.as_deref(), body),
            ShopExecution::Receipt { session, id } => self.receipt(session.as_deref(), id),
            ShopExecution::Describe { body } => self.describe(body),
        }
    }

    fn login(&self, body: &[u8]) -> Result<ShopAnswer, ShopRefusal> {
        let body: LoginBody = serde_json::from_slice(body).map_err(|_| ShopRefusal::Body {
            expected: "{\"customer\": number}",
        })?;
        let token = self
            .shop
            .sessions
            .lock()
            .expect("no holder of the sessions panics")
            .open(body.customer);
        Ok(ShopAnswer::json(200, &json!({ "session": token })).with_session(token))
    }

    fn pay(&self, session: Option<&str>, body: &[u8]) -> Result<ShopAnswer, ShopRefusal> {
        let customer = self.customer(session)?;
        let refusal = ShopRefusal::Body {
            expected: "{\"amount\": \"12.50\"}",
        };
        let cents = serde_json::from_slice(body)
            .ok()
            .and_then(|body: PayBody| amount::to_cents(&body.amount))
            .ok_or(refusal)?;
        let _writing = self.shop.writing.lock().expect("no writer panics");
        Ok(ShopAnswer::json(
            201,
            &json!({ "payment": self.store.pay(customer, cents)? }),
        ))
    }

    fn receipt(&self, session: Option<&str>, id: &str) -> Result<ShopAnswer, ShopRefusal> {
        self.customer(session)?;
        let receipt = id
            .parse()
            .ok()
            .map(|id| self.store.receipt(id))
            .transpose()?
            .flatten();
        let receipt = receipt.ok_or_else(|| ShopRefusal::NoReceipt { id: id.to_owned() })?;
        Ok(ShopAnswer::json(200, &receipt))
    }

    fn describe(&self, body: &[u8]) -> Result<ShopAnswer, ShopRefusal> {
        let body: DescribeBody = serde_json::from_slice(body)
            .ok()
            .filter(|body: &DescribeBody| WORDS.contains(&body.words))
            .ok_or(ShopRefusal::Body {
                expected: "{\"item\": number, \"words\": 1 to 1000}",
            })?;
        let id = body.item;
        let item = self.store.description(id)?.ok_or(ShopRefusal::NoItem { id })?;
        let usage = description::usage(id, &item, body.words);
        let answer = json!({
            "description": description::write(&item, body.words),
            "usage": {
                "prompt_tokens": usage.prompt,
                "completion_tokens": usage.completion,
                "total_tokens": usage.prompt + usage.completion,
                "prompt_tokens_details": { "cached_tokens": usage.cached },
            },
        });
        Ok(ShopAnswer::json(200, &answer).with_usage(usage))
    }

    fn customer(&self, session: Option<&str>) -> Result<u64, ShopRefusal> {
        let sessions = self
            .shop
            .sessions
            .lock()
            .expect("no holder of the sessions panics");
        session
            .and_then(|token| sessions.customer(token))
            .ok_or(ShopRefusal::NoSession)
    }

    fn reset(&self) -> Result<ShopAnswer, ShopRefusal> {
        let _writing = self.shop.writing.lock().expect("no writer panics");
        self.store.reset()?;
        self.shop
            .sessions
            .lock()
            .expect("no holder of the sessions panics")
            .forget();
        Ok(ShopAnswer::json(
            200,
            &json!({ "items": self.shop.options.items, "payments": FILLED_PAYMENTS }),
        ))
    }
}

/// CPU seconds that some threads have spent; a thread that has ended counts as 0.
fn spent_by(clocks: &[ThreadClock]) -> f64 {
    clocks.iter().filter_map(|clock| clock.spent_s().ok()).sum()
}

/// CPU seconds spent inside executions.
fn inside_s(ledger: &Ledger) -> f64 {
    ledger.behaviours.values().map(|entry| entry.cpu_s).sum()
}
