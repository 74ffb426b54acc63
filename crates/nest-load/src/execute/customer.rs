//! One customer: connections, cookies, saved values, and what its behaviours in code keep.

use std::{
    any::{Any, TypeId},
    cell::Cell,
    collections::BTreeMap,
};

use url::Url;

use crate::{
    clock::{Alarm, MonotonicTime},
    http::{Arrived, compat::Compat, connection::Http1Connection, cookies::Jar, http2::Http2Connection},
    script::settings::ExchangeSettings,
};

/// One customer, between executions.
pub struct Customer {
    pub number: u32,
    pub http1: Http1Connection,
    pub http2: Option<Box<Http2Connection>>,
    pub compat: Option<Box<Compat>>,
    pub cookies: Jar,
    pub variables: Box<[Option<Box<str>>]>,
    /// The page that each variable was saved from which is a link somewhere.
    pub pages: Vec<(usize, Url)>,
    pub alarm: Alarm,
    /// What has come of the answer to the last request.
    pub arrived: Cell<Arrived>,
    /// Since when a request is held back that follows another one of its step.
    pub held_since: Option<MonotonicTime>,
    /// Whether the last attempt to open a connection failed.
    pub unreachable: bool,
    /// Whether the behaviour that begins sessions was executed.
    pub begun: bool,
    /// One per behaviour: executed with success by this customer.
    pub done: Box<[bool]>,
    /// What behaviours in code keep, one of each type.
    pub states: BTreeMap<TypeId, Box<dyn Any>>,
}

impl Customer {
    /// A customer who has done nothing yet.
    pub fn new(number: u32, settings: &ExchangeSettings) -> Self {
        Self {
            number,
            http1: Http1Connection::default(),
            http2: None,
            compat: None,
            cookies: Jar::default(),
            variables: vec![None; settings.variables].into(),
            pages: Vec::new(),
            alarm: Alarm::default(),
            arrived: Cell::default(),
            held_since: None,
            unreachable: false,
            begun: false,
            done: vec![false; settings.behaviours.len()].into(),
            states: BTreeMap::new(),
        }
    }

    /// Whether this customer has executed the behaviour that another one needs.
    pub fn has_done(&self, needed: Option<usize>) -> bool {
        needed.is_none_or(|needed| self.done[needed])
    }
}
