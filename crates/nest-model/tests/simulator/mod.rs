//! A seeded discrete-event simulator: open Poisson arrivals of several behaviours at multi-server stations in
//! a row, first come first served or processor sharing. It is the outside evidence for queueing laws and for
//! fits of response times.
//!
//! A station may be one that no probe sees (a pool, a remote service), or a permit that is held while the
//! next station works (a lock around processor time): see [`Station::held`]. Nothing here knows what the
//! library computes.

#![allow(dead_code)] // each test binary that includes it uses a part

use std::collections::{BTreeMap, BinaryHeap, VecDeque};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How long a behaviour is served at a station, given by its moments.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Service {
    /// Mean in seconds; 0 where the behaviour does not visit the station.
    pub mean_s: f64,
    /// Squared coefficient of variation: 0 constant, below 1 Erlang with `round(1 / cv2)` phases, 1
    /// exponential, above 1 hyperexponential with balanced means.
    pub cv2: f64,
}

impl Service {
    /// A service that is skipped.
    pub const NONE: Self = Self {
        mean_s: 0.0,
        cv2: 0.0,
    };

    /// One service time in seconds.
    pub fn draw(self, random: &mut ChaCha8Rng) -> f64 {
        if self.cv2 == 0.0 || self.mean_s == 0.0 {
            self.mean_s
        } else if self.cv2 < 1.0 {
            let phases = (1.0 / self.cv2).round().max(1.0) as u32;
            (0..phases).map(|_| exponential(random)).sum::<f64>() * self.mean_s / f64::from(phases)
        } else {
            let often = 0.5 * (1.0 + ((self.cv2 - 1.0) / (self.cv2 + 1.0)).sqrt());
            let share = if uniform(random) < often {
                often
            } else {
                1.0 - often
            };
            exponential(random) * self.mean_s / (2.0 * share)
        }
    }
}

/// Who is served first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discipline {
    /// First come, first served.
    FirstCome,
    /// All at once, each at the rate `min(1, servers / present)`: an operating system's processors.
    Sharing,
}

/// A station that every execution visits, in the order of [`System::stations`].
#[derive(Debug, Clone, PartialEq)]
pub struct Station {
    /// Servers, 1 or more: cores, permits, connections.
    pub servers: usize,
    /// Who is served first.
    pub discipline: Discipline,
    /// Service times, one per behaviour.
    pub service: Vec<Service>,
    /// A permit (first come, first served): kept, after the station's own service time, until the service at
    /// the next station has ended. A behaviour without a service time here needs no permit.
    pub held: bool,
    /// Most executions at the station, waiting or served; what comes on top fails. `None` for no limit.
    pub room: Option<usize>,
    /// Time in seconds that is added to a service for which someone waited: on a busy processor, whoever is
    /// woken waits a moment.
    pub hand_over_s: f64,
}

impl Station {
    /// A station without permits and without a limit to its queue.
    pub fn new(servers: usize, discipline: Discipline, service: Vec<Service>) -> Self {
        Self {
            servers,
            discipline,
            service,
            held: false,
            room: None,
            hand_over_s: 0.0,
        }
    }
}

/// What is simulated.
#[derive(Debug, Clone, PartialEq)]
pub struct System {
    /// Stations in the order of visits.
    pub stations: Vec<Station>,
}

/// How long, and cut how.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// Time that is not counted, in seconds.
    pub warm_up_s: f64,
    /// Counted windows.
    pub windows: usize,
    /// Length of a window in seconds.
    pub window_s: f64,
}

/// Counts of one window.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Busy-seconds, one per station: servers in use, over time. A held permit is in use until it is given
    /// back.
    pub busy_s: Vec<f64>,
    /// Executions that ended in it, one per behaviour.
    pub completed: Vec<u64>,
    /// Executions that began in it and were not turned away, one per behaviour.
    pub begun: Vec<u64>,
    /// Executions that were turned away in it, one per behaviour.
    pub failed: Vec<u64>,
}

/// What a run shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Response times in seconds, one list per behaviour, ascending, of executions that ended in a window.
    pub responses: Vec<Vec<f64>>,
    /// The counted windows.
    pub windows: Vec<Window>,
}

impl Run {
    /// Mean share of a station's `servers` in use, 0-1.
    pub fn utilisation(&self, station: usize, servers: usize, span: Span) -> f64 {
        let busy: f64 = self.windows.iter().map(|window| window.busy_s[station]).sum();
        busy / (servers as f64 * span.window_s * span.windows as f64)
    }

    /// Quantile (0-1) of a behaviour's response time in seconds, an order statistic.
    pub fn quantile_s(&self, behaviour: usize, quantile: f64) -> f64 {
        let times = &self.responses[behaviour];
        times[((times.len() as f64 * quantile).ceil() as usize).clamp(1, times.len()) - 1]
    }

    /// Mean response time of a behaviour in seconds.
    pub fn mean_s(&self, behaviour: usize) -> f64 {
        self.responses[behaviour].iter().sum::<f64>() / self.responses[behaviour].len() as f64
    }
}

/// Runs a system under `rates` (arrivals a second, one per behaviour); equal seed, equal run.
pub fn simulate(system: &System, rates: &[f64], span: Span, seed: u64) -> Run {
    let mut simulation = Simulation::new(system, rates, span, seed);
    let end = span.warm_up_s + span.window_s * span.windows as f64;
    while let Some((time, event)) = simulation.next().filter(|(time, _)| *time < end) {
        simulation.pass(time);
        match event {
            Event::Arrival(behaviour) => simulation.arrive(behaviour, rates[behaviour]),
            Event::Served(station) => simulation.serve(station),
        }
    }
    simulation.pass(end);
    simulation.drain();
    simulation
        .run
        .responses
        .iter_mut()
        .for_each(|times| times.sort_by(f64::total_cmp));
    simulation.run
}

enum Event {
    Arrival(usize),
    Served(usize),
}

/// Time at which a service ends, first things first; equal times by the order of entry.
#[derive(PartialEq)]
struct End(f64, u64);

impl Eq for End {}
impl Ord for End {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.0.total_cmp(&self.0).then(other.1.cmp(&self.1))
    }
}
impl PartialOrd for End {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

struct Execution {
    behaviour: usize,
    arrived: f64,
    permit: Option<usize>, // station to which it gives back
}

/// A station at work: `clock` is the time of a first-come station, and the service each has had in a sharing
/// one.
#[derive(Default)]
struct Floor {
    served: BinaryHeap<End>,
    waiting: VecDeque<u64>,
    permits: usize, // held by executions that have moved on
    clock: f64,
}

struct Simulation<'a> {
    system: &'a System,
    span: Span,
    now: f64,
    random: ChaCha8Rng,
    arrivals: Vec<f64>,
    floors: Vec<Floor>,
    executions: BTreeMap<u64, Execution>,
    entered: u64,
    run: Run,
}

impl<'a> Simulation<'a> {
    fn new(system: &'a System, rates: &[f64], span: Span, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let arrivals = rates.iter().map(|rate| exponential(&mut random) / rate).collect();
        let window = Window {
            busy_s: vec![0.0; system.stations.len()],
            completed: vec![0; rates.len()],
            begun: vec![0; rates.len()],
            failed: vec![0; rates.len()],
        };
        Self {
            system,
            span,
            now: 0.0,
            random,
            arrivals,
            floors: system.stations.iter().map(|_| Floor::default()).collect(),
            executions: BTreeMap::new(),
            entered: 0,
            run: Run {
                responses: vec![Vec::new(); rates.len()],
                windows: vec![window; span.windows],
            },
        }
    }

    fn next(&self) -> Option<(f64, Event)> {
        let arrivals = self
            .arrivals
            .iter()
            .enumerate()
            .map(|(behaviour, time)| (*time, Event::Arrival(behaviour)));
        let served = self.floors.iter().enumerate().filter_map(|(station, floor)| {
            let first = floor.served.peek()?.0;
            let time = if self.shares(station) {
                self.now + (first - floor.clock) / self.pace(station)
            } else {
                first
            };
            Some((time, Event::Served(station)))
        });
        arrivals.chain(served).min_by(|a, b| a.0.total_cmp(&b.0))
    }

    /// Lets what is under way come to its end, without new arrivals.
    fn drain(&mut self) {
        self.arrivals.fill(f64::INFINITY);
        while let Some((time, Event::Served(station))) = self.next() {
            self.pass(time);
            self.serve(station);
        }
    }

    fn shares(&self, station: usize) -> bool {
        self.system.stations[station].discipline == Discipline::Sharing
    }

    /// Service per second that each execution in a sharing station gets.
    fn pace(&self, station: usize) -> f64 {
        (self.system.stations[station].servers as f64 / self.floors[station].served.len() as f64).min(1.0)
    }

    fn in_use(&self, station: usize) -> usize {
        let floor = &self.floors[station];
        (floor.served.len() + floor.permits).min(self.system.stations[station].servers)
    }

    /// Window of a moment, if it is counted.
    fn window(&self, time: f64) -> Option<usize> {
        let index = (time - self.span.warm_up_s) / self.span.window_s;
        (index >= 0.0 && (index as usize) < self.span.windows).then_some(index as usize)
    }

    /// Lets time go by to `to`, window by window.
    fn pass(&mut self, to: f64) {
        for station in 0..self.floors.len() {
            if self.shares(station) && !self.floors[station].served.is_empty() {
                self.floors[station].clock += (to - self.now) * self.pace(station);
            }
            let busy = self.in_use(station) as f64;
            let first = ((self.now - self.span.warm_up_s) / self.span.window_s).max(0.0) as usize;
            for (index, window) in self.run.windows.iter_mut().enumerate().skip(first) {
                let start = self.span.warm_up_s + self.span.window_s * index as f64;
                if start >= to {
                    break;
                }
                window.busy_s[station] +=
                    busy * (to.min(start + self.span.window_s) - self.now.max(start)).max(0.0);
            }
        }
        self.now = to;
    }

    fn arrive(&mut self, behaviour: usize, rate: f64) {
        self.arrivals[behaviour] = self.now + exponential(&mut self.random) / rate;
        self.entered += 1;
        self.executions.insert(
            self.entered,
            Execution {
                behaviour,
                arrived: self.now,
                permit: None,
            },
        );
        self.enter(0, self.entered);
    }

    /// An execution comes to a station, or to the end of them.
    fn enter(&mut self, station: usize, id: u64) {
        let Some(behaviour) = self.executions.get(&id).map(|one| one.behaviour) else {
            return;
        };
        let Some(of) = self.system.stations.get(station) else {
            return self.leave(id);
        };
        if of.service[behaviour] == Service::NONE {
            return self.enter(station + 1, id);
        }
        let floor = &self.floors[station];
        if of
            .room
            .is_some_and(|room| floor.served.len() + floor.waiting.len() + floor.permits >= room)
        {
            return self.fail(id);
        }
        if self.shares(station) || self.in_use(station) < of.servers {
            self.start(station, id, 0.0)
        } else {
            self.floors[station].waiting.push_back(id)
        }
    }

    fn start(&mut self, station: usize, id: u64, hand_over_s: f64) {
        let service = self.system.stations[station].service[self.executions[&id].behaviour]
            .draw(&mut self.random)
            + hand_over_s;
        let from = if self.shares(station) {
            self.floors[station].clock
        } else {
            self.now
        };
        self.floors[station].served.push(End(from + service, id));
    }

    fn serve(&mut self, station: usize) {
        let Some(End(_, id)) = self.floors[station].served.pop() else {
            return;
        };
        if self.system.stations[station].held {
            self.floors[station].permits += 1;
            if let Some(execution) = self.executions.get_mut(&id) {
                execution.permit = Some(station);
            }
        } else {
            self.admit(station);
            self.give_back(id);
        }
        self.enter(station + 1, id);
    }

    /// The next in the queue of a station gets a free server.
    fn admit(&mut self, station: usize) {
        if self.in_use(station) < self.system.stations[station].servers
            && let Some(next) = self.floors[station].waiting.pop_front()
        {
            self.start(station, next, self.system.stations[station].hand_over_s);
        }
    }

    fn give_back(&mut self, id: u64) {
        if let Some(station) = self
            .executions
            .get_mut(&id)
            .and_then(|execution| execution.permit.take())
        {
            self.floors[station].permits -= 1;
            self.admit(station);
        }
    }

    fn leave(&mut self, id: u64) {
        self.give_back(id);
        let Some(execution) = self.executions.remove(&id) else {
            return;
        };
        if let Some(window) = self.window(execution.arrived) {
            self.run.windows[window].begun[execution.behaviour] += 1;
        }
        if let Some(window) = self.window(self.now) {
            self.run.windows[window].completed[execution.behaviour] += 1;
            self.run.responses[execution.behaviour].push(self.now - execution.arrived);
        }
    }

    fn fail(&mut self, id: u64) {
        self.give_back(id);
        let Some(execution) = self.executions.remove(&id) else {
            return;
        };
        if let Some(window) = self.window(self.now) {
            self.run.windows[window].failed[execution.behaviour] += 1;
        }
    }
}

/// A number above 0 and up to 1.
fn uniform(random: &mut ChaCha8Rng) -> f64 {
    1.0 - random.random::<f64>()
}

fn exponential(random: &mut ChaCha8Rng) -> f64 {
    -uniform(random).ln()
}
