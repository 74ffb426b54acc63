//! The customers of one worker between two executions.

use std::{
    cell::{Cell, RefCell},
    sync::Arc,
};

use crate::{execute::customer::Customer, script::program::Program};

/// The customers of one worker between two executions. They live from step to step.
pub struct WorkerCustomers {
    /// Number of the worker, from 0.
    pub index: usize,
    /// Number of all workers.
    pub workers: usize,
    pub idle: RefCell<Vec<Customer>>,
    program: Arc<Program>,
    next_number: Cell<u32>,
}

impl WorkerCustomers {
    /// Nobody yet.
    pub fn new(index: usize, workers: usize, program: Arc<Program>) -> Self {
        Self {
            index,
            workers,
            idle: RefCell::default(),
            program,
            next_number: Cell::new(0),
        }
    }

    /// A customer who has done nothing yet.
    pub fn new_customer(&self) -> Customer {
        let number = self.next_number.get();
        self.next_number.set(number + 1);
        let number = number * self.workers as u32 + self.index as u32;
        Customer::new(number, &self.program.settings)
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
}
