//! Explanation of what one request of a function uses: duration, memory-seconds, processor time.

use nest_data::explanation::{Basis, ExplanationNode};

use super::{
    super::{
        PricedConfig,
        cold_start::{ColdStart, ColdStarts},
        meters::Counted,
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
                let ms = product(
                    "duration in milliseconds",
                    "ms",
                    vec![self.duration(placed, position, function), thousand()],
                );
                let whole = ExplanationNode::computed(
                    Basis::Ceiling,
                    "duration in whole milliseconds",
                    "ms",
                    vec![ms],
                );
                let seconds = ExplanationNode::computed(
                    Basis::Quotient,
                    "rounded duration",
                    "s",
                    vec![whole, thousand()],
                );
                let shortest = ExplanationNode::leaf(
                    "shortest that is billed",
                    function.shortest_s.max(0.001),
                    "s",
                    Basis::Priced,
                    self.metered().book.name(),
                );
                let billed = ExplanationNode::computed(
                    Basis::Maximum,
                    "billed duration",
                    "s",
                    vec![seconds, shortest],
                );
                let memory = assumed("memory", function.memory_gib, "GiB", "of the study, as billed");
                product("memory-seconds of a request", "GiB*s", vec![billed, memory])
            }
            Counted::HeldMs(_) => {
                let share = processor_share(function, self.metered().book.name());
                product(
                    "processor time held by a request",
                    "ms",
                    vec![self.duration(placed, position, function), share, thousand()],
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

    /// Time that one request takes on a function.
    fn duration(&self, placed: usize, position: usize, function: &Function) -> ExplanationNode {
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
        parts.extend(cold_starts(&function.cold_starts, used.cold_start));
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
    let (of_share, of_time) = match known {
        ColdStarts::Unknown { .. } => return None,
        ColdStarts::Stated(_) => ("of the study".to_owned(), "of the study".to_owned()),
        ColdStarts::Assumed(range) => {
            let ([low, high], [short, long], [from, to]) = (range.share, range.extra_ms, &range.observed);
            (
                format!("{low} to {high}, public figures from {from} to {to}"),
                format!("{short} to {long} ms, public figures from {from} to {to}"),
            )
        }
    };
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
