//! Brings the target to where a run needs it: started, filled with stored data, reset between steps.

use std::{collections::BTreeMap, fs::File, process::Stdio, sync::Arc, time::Instant};

use nest_data::{
    Study,
    measure::Cores,
    measurement::{Resource, ResourceKind},
    study::{Probe, behaviour::locustfile::Locust},
};

use super::{
    MeasureOptions, Run,
    target::{Address, LONGEST_COMMAND, ReadyBounds, StartedTarget, pin, run_command, wait_until_ready},
    time_left,
};
use crate::{
    engine::{
        Engine,
        interrupt::Interrupt,
        locust::{LocustSettings, crew::LocustCrew},
    },
    error::LoadError,
    fleet::Fleet,
    http::{compat::CompatSettings, origin::Origin},
    observe::{Observer, machine},
    script::{self, Sources, base_url, program::Program},
};

/// Variable in which the study's commands find the size of stored data.
const SIZE: &str = "NEST_SIZE";

impl<'a> Run<'a> {
    /// Starts the target if the study has a command for that, the generator, and the probes.
    pub(super) fn start(
        study: &'a Study,
        mut options: MeasureOptions,
        interrupt: &'a Interrupt,
    ) -> Result<Self, LoadError> {
        let mut start = Instant::now();
        let left = || time_left(start, study.measure.max_duration.duration());
        let address = Address::of(&study.target.base_url)?;
        let origin = origin(study, &options, interrupt)?;
        let program = compile(study, &options, &origin)?;
        let stored = study.data.as_ref().and_then(|data| data.sizes.first().copied());
        state_size(&mut options.commands.environment, stored);
        let log = options.target_log.take();
        let bounds = ReadyBounds {
            rate: program.settings.bound.as_ref(),
            most: left()?,
        };
        let started = start_target(
            study,
            &origin,
            &address,
            &options,
            log.as_ref(),
            bounds,
            interrupt,
        )?;
        if let Some(command) = &study.target.state {
            run_command(
                "state",
                command,
                &options.commands,
                left()?.min(LONGEST_COMMAND),
                interrupt,
            )?;
        }
        let cores = generator_cores(study);
        // The sampler stays off the target's cores too.
        pin(&cores)?;
        let fleet = options.fleet.take();
        let mut caveats = Vec::new();
        let engine = match (&study.locust, fleet) {
            (Some(locust), _) => locust_engine(study, locust, program, &options, &cores, interrupt)?,
            (None, None) => Engine::new(program, &cores, cores.len())?,
            (None, Some(fleet)) => {
                caveats.extend(fleet.access.caveat());
                let (feeds, program) = (&options.feeds, Arc::new(program));
                // Workers have a bound of their own for coming.
                let waiting = Instant::now();
                let fleet = Fleet::gather(study, feeds, &program, fleet, interrupt)?;
                start += waiting.elapsed();
                Engine::with_crew(program, Box::new(fleet))
            }
        };
        let pid = started.as_ref().map(StartedTarget::pid);
        let observer = Observer::new(study, pid, address.port, interrupt);
        let observer = observer.map_err(|error| told_as_interrupt(error, interrupt))?;
        let mut resources = observer.resources().to_vec();
        resources.extend(network(study, &origin, address.port));
        Ok(Self {
            study,
            options,
            interrupt,
            address,
            started,
            log,
            stored,
            origin,
            cores,
            engine,
            observer,
            resources,
            pilot: Vec::new(),
            caveats,
            doubts: Vec::new(),
            backlog: None,
            start,
        })
    }

    /// Runs the study's command that brings the target back to where it was.
    pub(super) fn reset(&mut self) -> Result<(), LoadError> {
        let Some(command) = &self.study.target.reset else {
            return Ok(());
        };
        self.engine.forget_customers()?;
        run_command(
            "reset",
            command,
            &self.options.commands,
            self.time_left()?.min(LONGEST_COMMAND),
            self.interrupt,
        )
    }

    /// Brings the target to another size of stored data: started again if its command names the size, then
    /// filled.
    pub(super) fn resize(&mut self, stored: Option<f64>) -> Result<(), LoadError> {
        if stored == self.stored {
            return Ok(());
        }
        self.stored = stored;
        state_size(&mut self.options.commands.environment, stored);
        self.engine.forget_customers()?;
        if self
            .study
            .target
            .start
            .as_ref()
            .is_some_and(|command| command.contains(SIZE))
        {
            // The old one must have let go of its address.
            self.started = None;
            self.started = start_target(
                self.study,
                &self.origin,
                &self.address,
                &self.options,
                self.log.as_ref(),
                ReadyBounds {
                    rate: self.engine.program().settings.bound.as_ref(),
                    most: self.time_left()?,
                },
                self.interrupt,
            )?;
            pin(&self.cores)?;
            self.observer = Observer::new(
                self.study,
                self.started.as_ref().map(StartedTarget::pid),
                self.address.port,
                self.interrupt,
            )
            .map_err(|error| told_as_interrupt(error, self.interrupt))?;
        }
        let Some(command) = &self.study.target.state else {
            return Ok(());
        };
        run_command(
            "state",
            command,
            &self.options.commands,
            self.time_left()?.min(LONGEST_COMMAND),
            self.interrupt,
        )
    }
}

/// An engine whose load Locust offers.
fn locust_engine(
    study: &Study,
    locust: &Locust,
    program: Program,
    options: &MeasureOptions,
    cores: &[usize],
    interrupt: &Interrupt,
) -> Result<Engine, LoadError> {
    let program = Arc::new(program);
    let settings = LocustSettings::of(study, locust, &options.commands, cores);
    let rates = study.rates_per_day(&study.parameter_values()).unwrap_or_default();
    let plain = study
        .behaviours
        .keys()
        .map(|name| rates.get(name).copied().unwrap_or(0.0));
    let crew = LocustCrew::start(Arc::clone(&program), settings, plain.collect(), interrupt)
        .map_err(|error| told_as_interrupt(error, interrupt))?;
    Ok(Engine::with_crew(program, Box::new(crew)))
}

/// Where the target is. Looking up its name may take long, and is given up if a stop is asked for.
fn origin(study: &Study, options: &MeasureOptions, interrupt: &Interrupt) -> Result<Origin, LoadError> {
    let base_url = base_url::filled(&study.target.base_url, &options.secrets)?;
    let (trust, http2) = (options.trust.clone(), study.target.http2);
    interrupt.unless_requested(move || Origin::of(&base_url, &trust, http2))?
}

/// The error of something that was given up because a stop was asked for is the stop.
pub(super) fn told_as_interrupt(error: LoadError, interrupt: &Interrupt) -> LoadError {
    if interrupt.is_requested() {
        LoadError::Interrupted
    } else {
        error
    }
}

/// The study's behaviours, made ready to run.
fn compile(study: &Study, options: &MeasureOptions, origin: &Origin) -> Result<Program, LoadError> {
    let unused = options.fleet.is_some().then(|| unused_secrets(study));
    script::compile(Sources {
        locust: study.locust.as_ref(),
        behaviours: &study.behaviours,
        feeds: script::feed_readers(study, &options.feeds),
        registry: &options.registry,
        secrets: unused.as_ref().unwrap_or(&options.secrets),
        origin: origin.clone(),
        compat: CompatSettings {
            proxy: study.target.proxy.clone(),
            allow_hosts: study.target.allow_hosts.clone(),
        },
        longest_body: study.measure.longest_body,
        timeout_s: study.measure.timeout.get(),
        max_rate: Some(study.measure.max_rate),
        keep_bodies: study.measure.keep_bodies,
    })
}

/// What stands for the secrets of behaviours where workers send the requests: each reads its own, and the
/// coordinator needs only those of the base URL.
fn unused_secrets(study: &Study) -> BTreeMap<String, String> {
    let names = script::secret_names(study.behaviours.values(), &study.target.base_url);
    names.into_iter().map(|name| (name, String::new())).collect()
}

/// The cores of the generator; unless the study names others the last one, or one for each Locust process.
fn generator_cores(study: &Study) -> Vec<usize> {
    let mut cores = study
        .measure
        .generator_core
        .as_ref()
        .map(Cores::numbers)
        .unwrap_or_default();
    if cores.is_empty() {
        let (all, wanted) = (
            machine::facts().cores,
            study.locust.as_ref().map_or(1, Locust::slots),
        );
        // The last ones; the first is left to the target.
        cores.extend(all.saturating_sub(wanted).max(usize::from(all > 1))..all);
    }
    cores
}

/// The network of the tier that customers reach. Only the bytes of HTTP answers are counted; how many
/// bytes code exchanges in another protocol is not known.
fn network(study: &Study, origin: &Origin, port: u16) -> Option<Resource> {
    if !matches!(origin.scheme.as_str(), "http" | "https") {
        return None;
    }
    let tier = served_tier(study, port);
    Some(Resource {
        name: ResourceKind::Network.name_in(&tier),
        tier,
        kind: ResourceKind::Network,
        capacity: None,
    })
}

/// The tier that customers reach: the one whose probe names the target's port, otherwise `app`, otherwise the
/// only one there is.
fn served_tier(study: &Study, port: u16) -> String {
    let tier_of = |wanted: &dyn Fn(&Probe) -> bool| {
        study
            .probes
            .values()
            .find(|probe| wanted(probe))
            .map(|probe| probe.tier.clone())
    };
    let by_port = tier_of(&|probe| probe.port == Some(port));
    let app = || tier_of(&|probe| probe.tier == "app");
    by_port
        .or_else(app)
        .or_else(|| tier_of(&|_| true))
        .unwrap_or_else(|| "app".to_owned())
}

/// Tells the study's commands the size of stored data.
fn state_size(environment: &mut BTreeMap<String, String>, stored: Option<f64>) {
    if let Some(stored) = stored {
        environment.insert(SIZE.to_owned(), stored.to_string());
    }
}

/// Starts the study's target, if it has a command for that, and waits until it answers.
fn start_target(
    study: &Study,
    origin: &Origin,
    address: &Address,
    options: &MeasureOptions,
    log: Option<&File>,
    bounds: ReadyBounds<'_>,
    interrupt: &Interrupt,
) -> Result<Option<StartedTarget>, LoadError> {
    let mut started = None;
    if let Some(command) = &study.target.start {
        let log = log
            .and_then(|log| log.try_clone().ok())
            .map_or_else(Stdio::null, Stdio::from);
        started = Some(StartedTarget::start(
            command,
            study,
            address,
            &options.commands,
            log,
            interrupt,
        )?);
    }
    wait_until_ready(study, origin, address, started.as_mut(), bounds, interrupt)?;
    Ok(started)
}
