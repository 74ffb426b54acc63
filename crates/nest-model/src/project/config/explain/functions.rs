//! Explanation of what one request of a function uses: duration, memory-seconds, processor time.

use nest_data::explanation::{Basis, ExplanationNode};

use super::{
    super::{
        PricedConfig,
        cold_start::{ColdStart, ColdStarts},
        meters::{BilledSteps, Counted},
        placed::{Function, Host},
        quantities::{HOURS_OF_MS, HOURS_OF_SECOND},
    },
    explain_demand,
    meters::ExplainedMeter,
    quantities::{assumed, product},
};

impl ExplainedMeter<'_, '_> {
    /// What one request of a function uses, as its meter counts it.
    pub(super) fn of_function(
        &self,
        placed: usize,
        position: usize,
        counted: &Counted<'_>,
    ) -> ExplanationNode {
        let Host::Function(function) = &self.config.placed[placed].host else {
            return assumed("use of a request", 0.0, "", "it runs on units");
        };
        let thousand = || assumed("milliseconds of a second", 1_000.0, "ms", "");
        let used = match counted {
            Counted::MemorySeconds(_) => {
                let steps = PricedConfig::memory_steps(self.metered(), function);
                let billed = self.billed_duration(steps, placed, position, function);
                let memory = assumed("memory", function.memory_gib, "GiB", "of the study, as billed");
                product("memory-seconds of a request", "GiB*s", vec![billed, memory])
            }
            Counted::HeldMs(_) => {
                let share = processor_share(function, self.metered().book.name());
                let held = match self.metered().steps() {
                    Some(steps) => self.billed_duration(steps, placed, position, function),
                    None => self.duration(placed, position, function),
                };
                product(
                    "processor time held by a request",
                    "ms",
                    vec![held, share, thousand()],
                )
            }
            _ => {
                let speed = assumed(
                    "speed of a virtual CPU",
                    self.inputs.placed[placed].speed,
                    "measured cores",
                    "",
                );
                let seconds = ExplanationNode::computed(
                    Basis::Quotient,
                    "processor time of a request",
                    "s",
                    vec![self.cpu_of_request(placed, position), speed],
                );
                let seconds = match self.metered().steps() {
                    Some(steps) => self.in_steps("processor time", steps, seconds),
                    None => seconds,
                };
                product(
                    "processor time of a request in milliseconds",
                    "ms",
                    vec![seconds, thousand()],
                )
            }
        };
        let seconds = matches!(counted, Counted::MemorySeconds(_));
        let hours = if seconds { HOURS_OF_SECOND } else { HOURS_OF_MS };
        let factor = PricedConfig::in_unit_of(self.metered(), hours);
        if (factor - 1.0).abs() < 1e-12 {
            return used;
        }
        let unit = &self.meter().unit;
        let factor = assumed(
            "units of the meter for one of them",
            factor,
            unit,
            "by the lengths of time in both units",
        );
        product("use of a request in the meter's unit", unit, vec![used, factor])
    }

    fn cpu_of_request(&self, placed: usize, position: usize) -> ExplanationNode {
        let (behaviour, inputs) = (&self.config.behaviours[position], self.inputs);
        let tier = &self.config.placed[placed].placement.tier;
        let demand = explain_demand(
            self.model,
            tier,
            behaviour,
            inputs.placed[placed].cpu_s[position],
            inputs.stored,
        );
        let requests = self.requests(position);
        let least = vec![requests, assumed("at least", 1.0, "requests", "")];
        let requests = ExplanationNode::computed(
            Basis::Maximum,
            "requests of an execution, at least one",
            "requests",
            least,
        );
        ExplanationNode::computed(
            Basis::Quotient,
            format!("measured processor time of a request of {behaviour}"),
            "s",
            vec![demand, requests],
        )
    }

    /// A time in the steps in which it is billed.
    fn in_steps(&self, what: &str, steps: BilledSteps, time: ExplanationNode) -> ExplanationNode {
        let priced = |label: &str, seconds: f64| {
            ExplanationNode::leaf(label, seconds, "s", Basis::Priced, self.metered().book.name())
        };
        let step = || priced("step that is billed", steps.step_s);
        let parts = vec![time, step()];
        let count = ExplanationNode::computed(Basis::Quotient, format!("{what} in steps"), "steps", parts);
        let whole = ExplanationNode::computed(
            Basis::Ceiling,
            format!("{what} in whole steps"),
            "steps",
            vec![count],
        );
        let rounded = product(format!("rounded {what}"), "s", vec![whole, step()]);
        let least = steps.least_s.max(steps.step_s);
        let parts = vec![rounded, priced("shortest that is billed", least)];
        ExplanationNode::computed(Basis::Maximum, format!("billed {what}"), "s", parts)
    }

    /// Time of one request as billed: of warm and of cold ones at their shares.
    fn billed_duration(
        &self,
        steps: BilledSteps,
        placed: usize,
        position: usize,
        function: &Function,
    ) -> ExplanationNode {
        let cold = self.inputs.placed[placed].cold_start;
        let warm = || self.warm_duration(placed, position, function, None);
        let billed_warm = self.in_steps("duration", steps, warm());
        if cold.share == 0.0 {
            return billed_warm;
        }
        let [of_share, of_time] = cold_start_sources(&function.cold_starts);
        let extra = assumed("time of a cold start", cold.extra_s, "s", &of_time);
        let cold_s = self.warm_duration(placed, position, function, Some(extra));
        let billed_cold = self.in_steps("duration with a cold start", steps, cold_s);
        let met = || {
            assumed(
                "share of requests that meet a cold start",
                cold.share,
                "",
                &of_share,
            )
        };
        let others = ExplanationNode::computed(
            Basis::Difference,
            "share of requests without a cold start",
            "",
            vec![assumed("all requests", 1.0, "", ""), met()],
        );
        let parts = vec![
            product("billed duration of warm requests", "s", vec![billed_warm, others]),
            product("billed duration of cold requests", "s", vec![billed_cold, met()]),
        ];
        ExplanationNode::computed(Basis::Sum, "billed duration", "s", parts)
    }

    /// Time that one request takes on a function.
    fn duration(&self, placed: usize, position: usize, function: &Function) -> ExplanationNode {
        let cold = cold_starts(&function.cold_starts, self.inputs.placed[placed].cold_start);
        self.warm_duration(placed, position, function, cold)
    }

    /// Time that one request takes on a function without a cold start, and something besides.
    fn warm_duration(
        &self,
        placed: usize,
        position: usize,
        function: &Function,
        besides: Option<ExplanationNode>,
    ) -> ExplanationNode {
        let name = &self.config.behaviours[position];
        let used = &self.inputs.placed[placed];
        let speed = assumed("speed of a virtual CPU", used.speed, "measured cores", "");
        let share = processor_share(function, self.config.placed[placed].book.name());
        let speed = product("speed of the function", "measured cores", vec![speed, share]);
        let work = ExplanationNode::computed(
            Basis::Quotient,
            format!("processor time of a request of {name}"),
            "s",
            vec![self.cpu_of_request(placed, position), speed],
        );
        let light = ExplanationNode::leaf(
            "response at light load",
            self.config.light_request_s[position],
            "s",
            Basis::Measured,
            &self.model.run,
        );
        let waiting = vec![light, self.cpu_of_request(placed, position)];
        let waiting =
            ExplanationNode::computed(Basis::Difference, "response less processor time", "s", waiting);
        let least = vec![waiting, assumed("at least", 0.0, "s", "")];
        let waiting = ExplanationNode::computed(
            Basis::Maximum,
            format!("waiting of a request of {name}"),
            "s",
            least,
        );
        let mut parts = vec![work, waiting];
        parts.extend(besides);
        ExplanationNode::computed(Basis::Sum, format!("duration of a request of {name}"), "s", parts)
    }
}

fn processor_share(function: &Function, book: String) -> ExplanationNode {
    ExplanationNode::leaf(
        "share of a processor",
        function.processor_share,
        "",
        Basis::Priced,
        book,
    )
}

/// What cold starts add to a request in the mean; nothing where none are counted.
fn cold_starts(known: &ColdStarts, counted: ColdStart) -> Option<ExplanationNode> {
    if matches!(known, ColdStarts::Unknown { .. }) {
        return None;
    }
    let [of_share, of_time] = cold_start_sources(known);
    let parts = vec![
        assumed(
            "share of requests that meet a cold start",
            counted.share,
            "",
            &of_share,
        ),
        assumed("time of a cold start", counted.extra_s, "s", &of_time),
    ];
    Some(product("cold starts of a request", "s", parts))
}

/// Where the share of cold starts and their time are from.
fn cold_start_sources(known: &ColdStarts) -> [String; 2] {
    match known {
        ColdStarts::Unknown { .. } => [String::new(), String::new()],
        ColdStarts::Stated(_) => ["of the study".to_owned(), "of the study".to_owned()],
        ColdStarts::Assumed(range) => {
            let ([low, high], [short, long], [from, to]) = (range.share, range.extra_ms, &range.observed);
            [
                format!("{low} to {high}, public figures from {from} to {to}"),
                format!("{short} to {long} ms, public figures from {from} to {to}"),
            ]
        }
    }
}
