//! The SQLite file: items and payments. The only module that knows SQL.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;

use crate::shop::amount;

/// Items on a page of `browse`, and most hits of a `search`.
pub(crate) const PAGE_ITEMS: u32 = 20;

/// Payments with which every shop begins: receipts 1 to 100 exist.
pub(crate) const FILLED_PAYMENTS: u32 = 100;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS items (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL, description TEXT NOT NULL, price_cents INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS payments (
        id INTEGER PRIMARY KEY, customer INTEGER NOT NULL, amount_cents INTEGER NOT NULL);";

const ADJECTIVES: [&str; 7] = [
    "plain", "sturdy", "folding", "painted", "small", "antique", "light",
];
const MATERIALS: [&str; 5] = ["oak", "steel", "linen", "glass", "bamboo"];
const NOUNS: [&str; 11] = [
    "chair", "table", "lamp", "shelf", "basket", "bowl", "clock", "mirror", "stool", "tray", "vase",
];

/// One connection to the file; every worker has its own.
#[derive(Debug)]
pub(crate) struct Store {
    connection: Connection,
}

/// An item as customers see it.
#[derive(Debug, Serialize)]
pub(crate) struct ShopItem {
    id: u32,
    name: String,
    description: String,
    price: String,
}

/// A payment as its customer sees it.
#[derive(Debug, Serialize)]
pub(crate) struct Receipt {
    receipt: i64,
    customer: i64,
    amount: String,
}

impl Store {
    /// Opens the file, creating it if it does not exist. Every commit is synced: WAL with `synchronous =
    /// FULL`.
    pub(crate) fn open(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        Ok(Self { connection })
    }

    /// Makes the file hold exactly `items` items and the first 100 payments, in one transaction.
    pub(crate) fn fill(&mut self, items: u32) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        transaction.execute_batch(SCHEMA)?;
        transaction.execute("DELETE FROM items WHERE id > ?1", [items])?;
        transaction.execute("DELETE FROM payments WHERE id > ?1", [FILLED_PAYMENTS])?;
        let mut item = transaction.prepare("INSERT OR IGNORE INTO items VALUES (?1, ?2, ?3, ?4)")?;
        for id in 1..=items {
            let (name, description) = item_text(id);
            item.execute(params![
                id,
                name,
                description,
                99 + i64::from(id) * 7_919 % 20_000
            ])?;
        }
        drop(item);
        let mut payment = transaction.prepare("INSERT OR IGNORE INTO payments VALUES (?1, ?1, ?2)")?;
        for id in 1..=FILLED_PAYMENTS {
            payment.execute([id, id * 125])?;
        }
        drop(payment);
        transaction.commit()
    }

    /// Deletes the payments beyond the fill; the next one is number 101 again.
    pub(crate) fn reset(&self) -> rusqlite::Result<()> {
        self.connection
            .execute("DELETE FROM payments WHERE id > ?1", [FILLED_PAYMENTS])
            .map(drop)
    }

    /// The items of a page, counted from 1; empty beyond the last.
    pub(crate) fn page(&self, page: u32) -> rusqlite::Result<Vec<ShopItem>> {
        let before = page.saturating_sub(1).saturating_mul(PAGE_ITEMS);
        let mut statement = self
            .connection
            .prepare("SELECT * FROM items WHERE id > ?1 ORDER BY id LIMIT ?2")?;
        statement.query_map([before, PAGE_ITEMS], item)?.collect()
    }

    /// The cheapest items that have `word` in their name or description; reads them all.
    pub(crate) fn search(&self, word: &str) -> rusqlite::Result<Vec<ShopItem>> {
        let mut statement = self.connection.prepare(
            "SELECT * FROM items WHERE name LIKE ?1 ESCAPE '\\' OR description LIKE ?1 ESCAPE '\\' \
                ORDER BY price_cents, id LIMIT ?2",
        )?;
        statement
            .query_map(params![like_pattern(word), PAGE_ITEMS], item)?
            .collect()
    }

    /// Stores a payment, returning once it is on disk, and gives its id.
    pub(crate) fn pay(&self, customer: u64, cents: i64) -> rusqlite::Result<i64> {
        // SQLite's integers are signed; a customer number comes back bit for bit.
        self.connection.execute(
            "INSERT INTO payments (customer, amount_cents) VALUES (?1, ?2)",
            params![customer.cast_signed(), cents],
        )?;
        Ok(self.connection.last_insert_rowid())
    }

    /// What the shop says about the item of that id.
    pub(crate) fn description(&self, id: u32) -> rusqlite::Result<Option<String>> {
        self.connection
            .query_row("SELECT description FROM items WHERE id = ?1", [id], |row| {
                row.get(0)
            })
            .optional()
    }

    /// The payment of that id.
    pub(crate) fn receipt(&self, id: i64) -> rusqlite::Result<Option<Receipt>> {
        self.connection
            .query_row(
                "SELECT id, customer, amount_cents FROM payments WHERE id = ?1",
                [id],
                receipt,
            )
            .optional()
    }
}

fn item(row: &Row) -> rusqlite::Result<ShopItem> {
    Ok(ShopItem {
        id: row.get(0)?,
        name: row.get(1)?,
        description: row.get(2)?,
        price: amount::from_cents(row.get(3)?),
    })
}

fn receipt(row: &Row) -> rusqlite::Result<Receipt> {
    Ok(Receipt {
        receipt: row.get(0)?,
        customer: row.get(1)?,
        amount: amount::from_cents(row.get(2)?),
    })
}

/// Name and description of item `id`: the numbers of words are coprime, so all combinations occur.
fn item_text(id: u32) -> (String, String) {
    let word = |words: &[&'static str]| {
        words
            .iter()
            .copied()
            .cycle()
            .nth(id as usize % words.len())
            .unwrap_or_default()
    };
    let (adjective, material, noun) = (word(&ADJECTIVES), word(&MATERIALS), word(&NOUNS));
    (
        format!("{adjective} {material} {noun} {id}"),
        format!("A {adjective} {noun} of {material}, made to last, number {id} of our range."),
    )
}

/// The `LIKE` pattern of texts that contain `word`, whose own wildcards are taken literally.
fn like_pattern(word: &str) -> String {
    let escaped = word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(items: u32) -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let mut store = Store::open(&folder.path().join("shop.sqlite")).expect("the file opens");
        store.fill(items).expect("the file is filled");
        (folder, store)
    }

    fn ids(items: &[ShopItem]) -> Vec<u32> {
        items.iter().map(|item| item.id).collect()
    }

    #[test]
    fn filling_again_brings_back_the_fill() {
        let (_folder, mut store) = filled(50);
        assert_eq!(
            ids(&store.page(3).expect("a page reads")),
            (41..=50).collect::<Vec<_>>()
        );
        assert_eq!(store.pay(7, 1_250).expect("a payment is stored"), 101);
        store.fill(30).expect("the file is filled again");
        assert_eq!(
            ids(&store.page(2).expect("a page reads")),
            (21..=30).collect::<Vec<_>>()
        );
        assert!(store.page(3).expect("a page reads").is_empty());
        assert!(store.receipt(101).expect("a receipt reads").is_none());
        assert_eq!(store.pay(7, 1_250).expect("a payment is stored"), 101);
    }

    #[test]
    fn a_receipt_shows_what_was_paid() {
        let (_folder, store) = filled(0);
        let id = store.pay(7, 1_250).expect("a payment is stored");
        let receipt = store
            .receipt(id)
            .expect("a receipt reads")
            .expect("it was just paid");
        assert_eq!(
            (receipt.receipt, receipt.customer, receipt.amount.as_str()),
            (id, 7, "12.50")
        );
        assert_eq!(
            store
                .receipt(100)
                .expect("a receipt reads")
                .expect("the fill has it")
                .amount,
            "125.00"
        );
    }

    #[test]
    fn search_finds_words_and_takes_wildcards_literally() {
        let (_folder, store) = filled(200);
        let hits = store.search("Bamboo").expect("a search reads");
        assert_eq!(hits.len(), 20);
        assert!(hits.iter().all(|hit| hit.name.contains("bamboo")));
        assert!(store.search("%").expect("a search reads").is_empty());
        assert_eq!(store.search("number 200 of").expect("a search reads").len(), 1);
    }

    #[test]
    fn commits_are_synced_to_a_write_ahead_log() {
        let (_folder, store) = filled(0);
        let pragma = |name: &str| {
            store
                .connection
                .pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0))
        };
        assert_eq!(pragma("journal_mode"), Ok("wal".to_owned().into()));
        assert_eq!(pragma("synchronous"), Ok(2.into()));
    }
}
