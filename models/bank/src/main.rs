//! The customers of a bank, speaking PostgreSQL: behaviours in code, an example to copy.
//!
//!     cargo run -p bank -- all models/bank
//!     models/bank/start.sh    # in another terminal, for the next line
//!     cargo run -p bank -- load postgres://127.0.0.1:8089/bank --behaviour transfer
//!
//! A behaviour is a type with two functions: `begin` makes what a customer keeps, and `execute` runs the
//! behaviour once. Every request to the target goes through `context.request` with a name, under which it is
//! timed and counted.

use std::process::ExitCode;

use locust_nest::{Behaviour, ExecutionContext, Failure, Registry};
use tokio_postgres::{Client, NoTls, Statement};

const ACCOUNTS: i64 = 10_000; // as many as start.sh makes
const LARGEST_TRANSFER: i64 = 1000; // in cents
const ENTRIES: i64 = 20; // on a statement of account
const ENTRIES_OF: &str =
    "select payer, payee, cents, at from entries where payer = $1 order by at desc limit $2";

fn main() -> ExitCode {
    locust_nest::run(
        Registry::new()
            .with("balance", Balance)
            .with("statement", StatementOfAccount)
            .with("transfer", Transfer),
    )
}

/// What a customer keeps: its own connection, and the statements that the server has prepared on it. All
/// three behaviours use it as their `State`, so a customer has one connection, not three.
struct Session {
    client: Client,
    balance: Statement,
    entries: Statement,
    change: Statement,
    note: Statement,
}

impl Session {
    async fn open(context: &mut ExecutionContext<'_>) -> Result<Self, Failure> {
        let mut config = tokio_postgres::Config::new();
        config
            .host(context.target().host())
            .port(context.target().port())
            .dbname(context.target().name())
            .user("bank");
        context
            .request("connect", async {
                let (client, connection) = config.connect(NoTls).await?;
                // Reads and writes until the client is dropped. An error reaches the request that waits for
                // an answer.
                tokio::spawn(connection);
                Ok::<_, tokio_postgres::Error>(Self {
                    balance: client.prepare("select cents from accounts where id = $1").await?,
                    entries: client.prepare(ENTRIES_OF).await?,
                    change: client
                        .prepare("update accounts set cents = cents + $2 where id = $1")
                        .await?,
                    note: client
                        .prepare("insert into entries (payer, payee, cents) values ($1, $2, $3)")
                        .await?,
                    client,
                })
            })
            .await
    }
}

/// Looks at the balance of an account.
struct Balance;

impl Behaviour for Balance {
    type State = Session;

    async fn begin(&self, context: &mut ExecutionContext<'_>) -> Result<Session, Failure> {
        Session::open(context).await
    }

    async fn execute(
        &self,
        session: &mut Session,
        context: &mut ExecutionContext<'_>,
    ) -> Result<(), Failure> {
        let account = context.int(1, ACCOUNTS);
        context
            .request("read", session.client.query_one(&session.balance, &[&account]))
            .await?;
        Ok(())
    }
}

/// Reads the newest entries of an account.
struct StatementOfAccount;

impl Behaviour for StatementOfAccount {
    type State = Session;

    async fn begin(&self, context: &mut ExecutionContext<'_>) -> Result<Session, Failure> {
        Session::open(context).await
    }

    async fn execute(
        &self,
        session: &mut Session,
        context: &mut ExecutionContext<'_>,
    ) -> Result<(), Failure> {
        let account = context.int(1, ACCOUNTS);
        let rows = context
            .request(
                "list",
                session.client.query(&session.entries, &[&account, &ENTRIES]),
            )
            .await?;
        match rows.iter().find(|row| row.get::<_, i64>("payer") != account) {
            Some(_) => Err(Failure::check(format!(
                "account {account} was shown an entry of another one"
            ))),
            None => Ok(()),
        }
    }
}

/// Moves money from one account to another, in one transaction.
struct Transfer;

impl Behaviour for Transfer {
    type State = Session;

    async fn begin(&self, context: &mut ExecutionContext<'_>) -> Result<Session, Failure> {
        Session::open(context).await
    }

    async fn execute(
        &self,
        session: &mut Session,
        context: &mut ExecutionContext<'_>,
    ) -> Result<(), Failure> {
        let payer = context.int(1, ACCOUNTS);
        let payee = (payer - 1 + context.int(1, ACCOUNTS - 1)) % ACCOUNTS + 1; // any other account
        let cents = context.int(1, LARGEST_TRANSFER);
        // The lower account first, because two transfers in opposite directions could otherwise deadlock.
        let mut changes = [(payer, -cents), (payee, cents)];
        changes.sort_unstable();

        let transaction = context.request("begin", session.client.transaction()).await?;
        for (account, change) in changes {
            let changed = context
                .request(
                    "update",
                    transaction.execute(&session.change, &[&account, &change]),
                )
                .await?;
            if changed != 1 {
                return Err(Failure::check(format!(
                    "{changed} rows of account {account} were changed"
                )));
            }
        }
        context
            .request(
                "insert",
                transaction.execute(&session.note, &[&payer, &payee, &cents]),
            )
            .await?;
        context.request("commit", transaction.commit()).await
    }
}
