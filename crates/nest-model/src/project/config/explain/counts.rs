//! Explanation of how many units of a placement run.

use nest_data::{
    ScalingModel,
    config::Scaling,
    explanation::{Basis, ExplanationNode},
};

use super::{
    super::{
        PricedConfig,
        inputs::ScenarioInputs,
        placed::{SizedPlacement, SpotUnits, Units},
        units::Sizing,
    },
    explain_demand, fitted,
};

/// One placement on units at a number of customers, whose numbers are opened.
pub(super) struct ExplainedUnits<'e, 'a> {
    pub config: &'e PricedConfig<'a>,
    pub model: &'e ScalingModel,
    pub index: usize, // of the placement
    pub placed: &'e SizedPlacement<'a>,
    pub units: &'e Units<'a>,
    pub sizing: Sizing,
    pub customers: f64,
    pub inputs: &'e ScenarioInputs,
}

fn assumed(name: &str, value: f64, unit: &str, detail: &str) -> ExplanationNode {
    ExplanationNode::leaf(name, value, unit, Basis::Assumed, detail)
}

/// The number 1 of a formula.
pub(super) fn one() -> ExplanationNode {
    assumed("whole", 1.0, "", "1")
}

impl ExplainedUnits<'_, '_> {
    fn node(
        &self,
        basis: Basis,
        name: impl Into<String>,
        unit: &str,
        parts: Vec<ExplanationNode>,
    ) -> ExplanationNode {
        ExplanationNode::computed(basis, name, unit, parts)
    }

    /// A name with the placement that it belongs to.
    pub(super) fn named(&self, name: &str) -> String {
        format!("{name} of {}", self.placed.label)
    }

    /// Processors that a behaviour keeps busy in the busiest minute, at the utilisation that units are bought
    /// for.
    pub(super) fn busy(&self, behaviour: &str) -> ExplanationNode {
        self.busy_at(behaviour, self.sizing.law.factor(self.sizing.target))
    }

    /// The same with a change of demand with load.
    fn busy_at(&self, behaviour: &str, factor: f64) -> ExplanationNode {
        let config = self.config;
        let position = config
            .behaviours
            .iter()
            .position(|name| name == behaviour)
            .expect("lines of a bill name behaviours of its study");
        let customers = &config.study.customers;
        let (range, is_assumed) = self.placed.speed();
        let speed_from = if is_assumed {
            "assumed, never calibrated"
        } else {
            "of the study"
        };
        let used = &self.inputs.placed[self.index];
        let tier = &self.placed.placement.tier;
        let mut work = vec![
            assumed("customers", self.customers, "customers", "asked for"),
            config.explain_rate(behaviour, self.inputs.rates_per_day[position]),
            assumed(
                "peak_hour_share",
                customers.peak_hour_share(),
                "of a day",
                "of the study",
            ),
            assumed("burst", customers.burst, "", "of the study"),
            explain_demand(
                self.model,
                tier,
                behaviour,
                used.cpu_s[position],
                self.inputs.stored,
            ),
        ];
        if factor != 1.0 {
            let detail = "at this utilisation";
            work.push(ExplanationNode::leaf(
                "change of demand with load",
                factor,
                "",
                Basis::Fitted,
                detail,
            ));
        }
        let work = self.node(
            Basis::Product,
            format!("work of {behaviour} in the busiest hour"),
            "s an hour",
            work,
        );
        let speed = assumed("speed of a virtual CPU", used.speed, "measured cores", "")
            .detailed(format!("{} to {}, {speed_from}", range[0], range[1]));
        let hour = vec![assumed("seconds of an hour", 3_600.0, "s", ""), speed];
        let hour = self.node(
            Basis::Product,
            "work of a processor in an hour",
            "s an hour",
            hour,
        );
        let name = self.named(&format!("processors that {behaviour} keeps busy"));
        self.node(Basis::Quotient, name, "cores", vec![work, hour])
            .detailed("in the busiest minute")
    }

    /// Reserve of the study, or what its headroom leaves free.
    pub(super) fn reserve(&self) -> ExplanationNode {
        match &self.placed.placement.headroom {
            None => assumed("reserve", self.sizing.reserve, "", "policy of the study"),
            Some(_) => {
                let used = vec![
                    self.without_queueing(),
                    self.node(
                        Basis::Difference,
                        "share not kept for forecast",
                        "",
                        vec![one(), self.forecast()],
                    ),
                ];
                let used = self.node(Basis::Product, "share that headroom leaves", "", used);
                self.node(Basis::Difference, "reserve", "", vec![one(), used])
            }
        }
    }

    pub(super) fn queueing(&self) -> ExplanationNode {
        let share = self
            .placed
            .placement
            .headroom
            .as_ref()
            .map_or(0.0, |headroom| headroom.queueing.get());
        assumed("headroom for queueing", share, "", "of the study")
    }

    pub(super) fn forecast(&self) -> ExplanationNode {
        let share = self
            .placed
            .placement
            .headroom
            .as_ref()
            .map_or(0.0, |headroom| headroom.forecast.get());
        assumed("headroom for forecast", share, "", "of the study")
    }

    pub(super) fn without_queueing(&self) -> ExplanationNode {
        self.node(
            Basis::Difference,
            "share not kept for queueing",
            "",
            vec![one(), self.queueing()],
        )
    }

    /// Utilisation that units are bought for.
    pub(super) fn target(&self) -> ExplanationNode {
        let (name, left) = ("utilisation units are bought for", vec![one(), self.reserve()]);
        let by_reserve = self.node(Basis::Difference, name, "", left);
        let most = self.inputs.placed[self.index].most_utilisation;
        if most >= by_reserve.number() {
            return by_reserve;
        }
        let objective = ExplanationNode::leaf(
            "utilisation that the objectives allow",
            most,
            "",
            Basis::Fitted,
            "response times of the fit at this utilisation",
        );
        let parts = vec![by_reserve.named("utilisation that the reserve leaves"), objective];
        self.node(Basis::Minimum, name, "", parts)
    }

    pub(super) fn cores(&self) -> ExplanationNode {
        ExplanationNode::leaf(
            "cores of a unit",
            self.sizing.cores,
            "vCPU",
            Basis::Priced,
            self.placed.shape(false),
        )
    }

    /// What a unit uses without load.
    pub(super) fn idle(&self) -> ExplanationNode {
        let used = &self.inputs.placed[self.index];
        let measured = ExplanationNode::leaf(
            "use without load",
            used.idle,
            "measured cores",
            Basis::Fitted,
            fitted(self.model),
        );
        let speed = assumed("speed of a virtual CPU", used.speed, "measured cores", "");
        self.node(
            Basis::Quotient,
            self.named("use without load"),
            "cores",
            vec![measured, speed],
        )
    }

    /// Units that carry the busiest minute, a part of one included.
    pub(super) fn needed(&self) -> ExplanationNode {
        let busy: Vec<ExplanationNode> = (self.config.behaviours.iter().enumerate())
            .filter(|(behaviour, _)| self.placed.carries[*behaviour])
            .map(|(_, name)| self.busy(name))
            .collect();
        let busy = self.node(Basis::Sum, self.named("processors kept busy"), "cores", busy);
        let full = self.node(
            Basis::Product,
            "processors of a unit that may be busy",
            "cores",
            vec![self.target(), self.cores()],
        );
        let usable = vec![full, self.idle()];
        let usable = self.node(
            Basis::Difference,
            self.named("processors of a unit for customers"),
            "cores",
            usable,
        );
        self.node(
            Basis::Quotient,
            self.named("units needed"),
            "units",
            vec![busy, usable],
        )
        .detailed("before rounding up")
    }

    /// Load of a mean hour over that of the busiest; `None` where units stay as they are.
    pub(super) fn mean_load(&self) -> Option<ExplanationNode> {
        self.follows_load().then(|| {
            self.by_hours("mean load over the busiest hour's", "", &|load| {
                assumed("load over the busiest hour's", load, "", "profile of the week")
            })
        })
    }

    fn follows_load(&self) -> bool {
        self.placed.placement.scale == Scaling::Hourly
    }

    /// The mean of something over the hours of a month, by their load.
    pub(super) fn by_hours(
        &self,
        name: &str,
        unit: &str,
        at_load: &dyn Fn(f64) -> ExplanationNode,
    ) -> ExplanationNode {
        let name = self.named(name);
        if !self.follows_load() {
            return at_load(1.0).named(name);
        }
        let bins = self.config.bins.iter().map(|bin| {
            let share = assumed("share of the hours", bin.share, "", "profile of the week");
            let part = format!("{name} in hours of {} of the busiest load", bin.load);
            self.node(Basis::Product, part, unit, vec![share, at_load(bin.load)])
        });
        let bins = bins.collect();
        self.node(Basis::Sum, name, unit, bins)
    }

    /// Whole units at a share of the busiest hour's load, spare ones among them.
    pub(super) fn whole(&self, load: f64) -> ExplanationNode {
        let mut needed = self.needed();
        if load != 1.0 {
            let share = assumed("load over the busiest hour's", load, "", "profile of the week");
            let name = self.named(&format!("units needed at {load} of the busiest load"));
            needed = self.node(Basis::Product, name, "units", vec![needed, share]);
        }
        let at = if load == 1.0 {
            String::new()
        } else {
            format!(" at {load} of the busiest load")
        };
        let whole = self.node(
            Basis::Ceiling,
            self.named(&format!("whole units{at}")),
            "units",
            vec![needed],
        );
        let least = vec![
            whole,
            assumed(
                "least",
                f64::from(self.sizing.least),
                "units",
                "`min` of the study",
            ),
        ];
        let carrying = self.node(
            Basis::Maximum,
            self.named(&format!("units that carry load{at}")),
            "units",
            least,
        );
        let all = vec![carrying, self.spare()];
        self.node(
            Basis::Sum,
            self.named(&format!("units that run{at}")),
            "units",
            all,
        )
    }

    pub(super) fn spare(&self) -> ExplanationNode {
        assumed("spare", f64::from(self.sizing.spare), "units", "of the study")
    }

    /// Of the whole units at a load, those on spot capacity.
    pub(super) fn on_spot(&self, load: f64, spot: SpotUnits) -> ExplanationNode {
        let share = assumed("share on spot capacity", spot.share, "", "of the study");
        let part = self.node(
            Basis::Product,
            "share of the units on spot capacity",
            "units",
            vec![self.whole(load), share],
        );
        self.node(Basis::Floor, "units on spot capacity", "units", vec![part])
    }

    /// Units kept at a load for spot units that are taken away.
    pub(super) fn kept_for_spot(&self, load: f64, spot: SpotUnits) -> ExplanationNode {
        let reserve = assumed(
            "reserve for interruptions",
            spot.reserve,
            "of the spot units",
            "of the study",
        );
        let part = vec![self.on_spot(load, spot), reserve];
        let part = self.node(
            Basis::Product,
            "part of the spot units that is replaced",
            "units",
            part,
        );
        self.node(
            Basis::Ceiling,
            "units kept for spot units that are taken away",
            "units",
            vec![part],
        )
    }

    /// Of the whole units at a load, those at list price or under a commitment.
    pub(super) fn listed(&self, load: f64) -> ExplanationNode {
        match self.units.spot {
            None => self.whole(load),
            Some(spot) => {
                let parts = vec![self.whole(load), self.on_spot(load, spot)];
                self.node(Basis::Difference, "units not on spot capacity", "units", parts)
            }
        }
    }

    /// Mean number of units that run, with those kept for spot units.
    pub(super) fn running(&self) -> ExplanationNode {
        let needed = self.by_hours("mean number of units that run", "units", &|load| self.whole(load));
        let Some(spot) = self.units.spot else {
            return needed;
        };
        let kept = self.by_hours("mean number of units kept", "units", &|load| {
            self.kept_for_spot(load, spot)
        });
        self.node(
            Basis::Sum,
            self.named("units that run, and those kept for spot units"),
            "units",
            vec![needed, kept],
        )
    }

    /// Customers at which so many units are at a utilisation; at the one that they are bought for, if none is
    /// given.
    pub(super) fn customers_at(&self, units: f64, utilisation: Option<f64>) -> ExplanationNode {
        let at = utilisation.map_or_else(
            || self.target(),
            |at| assumed("utilisation", at, "", "all processors busy"),
        );
        let factor = self.sizing.law.factor(at.number());
        let busy = (self.config.behaviours.iter().enumerate())
            .filter(|(behaviour, _)| self.placed.carries[*behaviour])
            .map(|(_, name)| self.busy_at(name, factor));
        let busy = self.node(
            Basis::Sum,
            self.named("processors that one customer keeps busy"),
            "cores",
            busy.collect(),
        );
        let full = self.node(
            Basis::Product,
            "processors of a unit that may be busy",
            "cores",
            vec![at, self.cores()],
        );
        let usable = self.node(
            Basis::Difference,
            self.named("processors of a unit for customers"),
            "cores",
            vec![full, self.idle()],
        );
        let most = assumed("most units", units, "units", "`max` of the study");
        let all = self.node(
            Basis::Product,
            self.named("processors for customers"),
            "cores",
            vec![most, usable],
        );
        self.node(
            Basis::Quotient,
            self.named("customers"),
            "customers",
            vec![all, busy],
        )
    }
}
