//! One customer's way through a step: act, wait for the answer, pause, act again.

use std::{rc::Rc, time::Duration};

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::customers::SlotCustomers;
use crate::{
    clock::MonotonicTime,
    execute::{
        RunningStep,
        context::{DueExecution, ExecutionEnd, mix},
        customer::Customer,
    },
    recorder::windows::ExecutionNumbers,
    schedule::{
        load::{Pause, StepLoad},
        think::{choose, cumulative, draw, geometric},
    },
};

/// Executions without a pause after which a customer lets others act, should its own never wait for anything.
const MOST_UNPAUSED: u64 = 64;
/// Pause after a connection that could not be opened, so that a target that is down is not hammered.
const AFTER_UNREACHABLE: Duration = Duration::from_millis(100);
/// Executions of one session have numbers of their own, as if no session had more than this many.
const NUMBERS_OF_A_SESSION: u64 = 1_000;
/// Tells the seed of a customer's own choices from those of executions, which have the same numbers: the
/// first 64 bits of the fraction of e.
const OF_CUSTOMERS: u64 = 0xB7E1_5162_8AED_2A6A;

/// What all customers of a step have in common.
pub struct Habits {
    choices: Vec<f64>, // rates summed up to and with each behaviour
    pause: Pause,
    behaviours: Option<f64>,
    start: Option<usize>,
    end: Option<usize>,
    seed: u64,
}

impl Habits {
    pub fn of(load: &StepLoad) -> Self {
        Self {
            choices: cumulative(&load.choices()),
            pause: load.pause,
            behaviours: load.session.behaviours,
            start: load.session.start,
            end: load.session.end,
            seed: load.seed,
        }
    }

    fn random(&self, number: u64) -> Xoshiro256PlusPlus {
        Xoshiro256PlusPlus::seed_from_u64(mix(self.seed ^ OF_CUSTOMERS, number))
    }

    /// Whether customers come for a session, and another one takes the place of whoever has ended it.
    pub fn has_sessions(&self) -> bool {
        self.behaviours.is_some()
    }

    /// The first pause of a member of the population, and the behaviour after it.
    pub fn beginning(&self, number: u64) -> (Duration, Option<usize>) {
        let mut random = self.random(number);
        let pause = self.first_pause(&mut random);
        if let (None, Some(mean)) = (self.start, self.behaviours) {
            geometric(mean, &mut random);
        }
        (pause, self.start.or_else(|| choose(&self.choices, &mut random)))
    }

    /// A part of a pause: without it everybody would act at once.
    fn first_pause(&self, random: &mut Xoshiro256PlusPlus) -> Duration {
        let (Pause::Think(times) | Pause::Pace(times)) = self.pause;
        draw(&times, random).mul_f64(random.random())
    }

    /// The behaviours of session `number`, which is not executed.
    pub fn whole_session(&self, number: u64) -> Vec<usize> {
        let mut random = self.random(number);
        let behaviours = geometric(self.behaviours.unwrap_or(1.0), &mut random);
        let chosen = (0..behaviours).filter_map(|_| choose(&self.choices, &mut random));
        self.start.into_iter().chain(chosen).chain(self.end).collect()
    }
}

/// One customer's way through a step.
pub struct CustomerWalk {
    habits: Rc<Habits>,
    random: Xoshiro256PlusPlus,
    customer: u64,      // number of the customer
    number: u64,        // of the next execution, for its seed
    row: u64,           // of feeds, for the next execution
    stride: u64,        // to the one after, and to the customer who takes the place of this one
    unpaused: u64,      // executions since the last pause
    now: MonotonicTime, // when the last one ended
}

impl CustomerWalk {
    /// The walk of a customer who comes for one session.
    pub fn session(habits: &Rc<Habits>, number: u64) -> Self {
        Self {
            habits: Rc::clone(habits),
            random: habits.random(number),
            customer: number,
            number: number * NUMBERS_OF_A_SESSION,
            row: number,
            stride: 1,
            unpaused: 0,
            now: MonotonicTime::LONG_AGO,
        }
    }

    /// The walk of a customer who stays, one of a population of so many.
    pub fn member(habits: &Rc<Habits>, number: u64, population: u64) -> Self {
        Self {
            habits: Rc::clone(habits),
            random: habits.random(number),
            customer: number,
            number,
            row: number,
            stride: population,
            unpaused: 0,
            now: MonotonicTime::LONG_AGO,
        }
    }

    /// Acts until the step ends.
    pub async fn stay(
        &mut self,
        slot: &SlotCustomers,
        customer: &mut Customer,
        step: &RunningStep,
        from: MonotonicTime,
    ) {
        let mut due = from.after(self.habits.first_pause(&mut self.random));
        loop {
            let last = match self.habits.behaviours {
                Some(_) => self.session_from(customer, step, due).await,
                None => self.act_for_ever(customer, step, due).await,
            };
            let Some(ended) = last else { return };
            // The next session is another customer's.
            // Whether the target can be reached is known from the one before.
            let unreachable = customer.unreachable;
            self.customer += self.stride;
            *customer = slot.customer(self.customer);
            customer.unreachable = unreachable;
            due = self.next_due(ended, ended);
        }
    }

    /// One session, from when it is due; when it ended, or nothing if the step did.
    pub async fn session_from(
        &mut self,
        customer: &mut Customer,
        step: &RunningStep,
        due: MonotonicTime,
    ) -> Option<MonotonicTime> {
        let mut due = due;
        if let Some(start) = self.habits.start.filter(|_| !customer.begun) {
            due = self.act(customer, step, start, due).await?;
            customer.begun = true;
        }
        for _ in 0..geometric(self.habits.behaviours.unwrap_or(1.0), &mut self.random) {
            let behaviour = choose(&self.habits.choices, &mut self.random)?;
            due = self.act(customer, step, behaviour, due).await?;
        }
        match self.habits.end {
            Some(end) => self.act(customer, step, end, due).await,
            None => Some(due),
        }
    }

    /// Behaviour after behaviour, as long as the step lasts.
    async fn act_for_ever(
        &mut self,
        customer: &mut Customer,
        step: &RunningStep,
        due: MonotonicTime,
    ) -> Option<MonotonicTime> {
        let mut due = due;
        if let Some(start) = self.habits.start.filter(|_| !customer.begun) {
            due = self.act(customer, step, start, due).await?;
            customer.begun = true;
        }
        loop {
            let behaviour = choose(&self.habits.choices, &mut self.random)?;
            due = self.act(customer, step, behaviour, due).await?;
        }
    }

    /// Waits until `due` and executes one behaviour; when the next one is due, or nothing if the step ends.
    async fn act(
        &mut self,
        customer: &mut Customer,
        step: &RunningStep,
        behaviour: usize,
        due: MonotonicTime,
    ) -> Option<MonotonicTime> {
        let control = &step.context.control;
        // Without a pause it is due when the last one ended, which is now.
        let mut now = if due <= self.now {
            self.now
        } else {
            MonotonicTime::now()
        };
        if now < due {
            if !step.context.state.clock.park_until(due).await {
                return None;
            }
            (self.unpaused, now) = (0, MonotonicTime::now());
        }
        self.unpaused += 1;
        if self.unpaused.is_multiple_of(MOST_UNPAUSED) {
            tokio::task::yield_now().await;
            now = MonotonicTime::now();
        }
        if now >= control.end() || control.is_stopped() {
            return None;
        }
        let numbers = control.take_next(ExecutionNumbers {
            execution: self.number,
            row: self.row,
        })?;
        let execution = DueExecution {
            behaviour,
            due,
            phase: control.phase(due),
            row: numbers.row,
            seed: mix(self.habits.seed, numbers.execution),
        };
        self.number += self.stride;
        // One more than the stride, or customers would keep their rows if the number of rows divides it.
        self.row += if self.stride == 1 { 1 } else { self.stride + 1 };
        step.context
            .recorder
            .borrow_mut()
            .execution_due(behaviour, execution.phase);
        step.context.note_lateness(&execution, now);
        let (ended, now) = step.execute(customer, &execution, now).await;
        self.now = now;
        let next = self.next_due(due, now);
        Some(if ended == ExecutionEnd::Unreachable {
            next.max(now.after(AFTER_UNREACHABLE))
        } else {
            next
        })
    }

    /// When the next behaviour is due, after one that was due and ended then.
    fn next_due(&mut self, due: MonotonicTime, ended: MonotonicTime) -> MonotonicTime {
        match &self.habits.pause {
            Pause::Think(times) => ended.after(draw(times, &mut self.random)),
            Pause::Pace(times) => due.after(draw(times, &mut self.random)).max(ended),
        }
    }
}
