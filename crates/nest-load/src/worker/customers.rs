//! The customers of one slot between two executions.

use std::{
    cell::{Cell, RefCell},
    sync::Arc,
};

use crate::{execute::customer::Customer, script::program::Program};

/// The customers of one slot between two executions. They live from step to step.
///
/// A slot is one generator thread; slots are numbered over all of them. Customer k belongs to slot k modulo
/// their number.
pub struct SlotCustomers {
    /// Number of the slot, from 0.
    pub slot: usize,
    /// Number of all slots.
    pub slots: usize,
    pub idle: RefCell<Vec<Customer>>,
    program: Arc<Program>,
    next: Cell<u64>, // customer of the pool, counted within the slot
}

impl SlotCustomers {
    /// Nobody yet.
    pub fn new(slot: usize, slots: usize, program: Arc<Program>) -> Self {
        Self {
            slot,
            slots,
            idle: RefCell::default(),
            program,
            next: Cell::new(0),
        }
    }

    /// Lets all customers go; the next ones are numbered from 0 again.
    pub fn forget(&self) {
        self.idle.borrow_mut().clear();
        self.next.set(0);
    }

    /// A customer with this number over all slots who has done nothing yet.
    pub fn customer(&self, number: u64) -> Customer {
        Customer::new(number as u32, &self.program.settings)
    }

    /// An idle customer who has done what `behaviour` needs; otherwise any idle one; otherwise a new one.
    pub fn customer_for(&self, behaviour: usize) -> Customer {
        let needed = self.program.scripts[behaviour].needs;
        let mut idle = self.idle.borrow_mut();
        let ready = if needed.is_none() {
            None
        } else {
            idle.iter().rposition(|customer| customer.has_done(needed))
        };
        let found = ready.map(|ready| idle.swap_remove(ready)).or_else(|| idle.pop());
        drop(idle);
        found.unwrap_or_else(|| self.new_customer())
    }

    /// One more customer of the slot's pool.
    fn new_customer(&self) -> Customer {
        let index = self.next.get();
        self.next.set(index + 1);
        self.customer(index * self.slots as u64 + self.slot as u64)
    }

    /// Lets those go who are not among the first `population` customers, and puts the others in order, so
    /// that [`Self::member`] finds them: the same customers begin each step, whoever ended the last one
    /// first.
    pub fn line_up(&self, population: u64) {
        let mut idle = self.idle.borrow_mut();
        idle.retain(|customer| u64::from(customer.number) < population);
        idle.sort_by_key(|customer| std::cmp::Reverse(customer.number));
    }

    /// The member of a population with this number, new if it is not among those lined up. Members are asked
    /// for in ascending order.
    pub fn member(&self, number: u64) -> Customer {
        let mut idle = self.idle.borrow_mut();
        match idle.last() {
            Some(customer) if u64::from(customer.number) == number => idle.pop(),
            _ => None,
        }
        .unwrap_or_else(|| self.customer(number))
    }
}
