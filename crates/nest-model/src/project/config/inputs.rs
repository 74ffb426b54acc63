//! What one draw says about one configuration: how often customers act, and what that uses.

use std::collections::BTreeMap;

use nest_data::{
    DataError, ScalingModel, Study,
    config::MeterUse,
    measurement::ResourceKind,
    scaling::{QuantileLaw, ResourceModel},
    study::Slo,
};

use super::{PricedConfig, SizedPlacement, UnsizedResource, cold_start::ColdStart};
use crate::{
    draws::{ParameterDraw, ResourceDraw},
    laws::load_law::LoadLaw,
    response::highest_utilisation,
};

/// Lowest utilisation that an objective may ask for; one that asks for less is missed, whatever is bought.
/// Chosen by hand.
const LEAST_UTILISATION: f64 = 0.05;

/// Seconds that open items add to one execution of a behaviour on a tier's processor, by tier and behaviour;
/// may be below 0 if fewer are open than when it was measured.
pub type BacklogDemand = BTreeMap<(String, String), f64>;

/// Activity of customers: what they execute, and what they leave behind.
#[derive(Debug, Clone, Copy)]
pub struct Activity<'a> {
    pub rates: &'a BTreeMap<String, f64>, // executions per customer and day
    pub backlog: &'a BacklogDemand,
    pub stored: Option<f64>, // items in the target; `None` if the study does not say
    pub fees: &'a [f64],     // of one execution, for each of the study's fees
}

/// What a draw says about one configuration, by behaviour in the order of names.
#[derive(Debug, Clone, PartialEq)]
pub struct ScenarioInputs {
    pub rates_per_day: Vec<f64>,            // executions per customer
    pub bytes: Vec<f64>,                    // bytes sent per execution
    pub counts: BTreeMap<String, Vec<f64>>, // added per execution, by the counts that meters are paid by
    pub count_idle: BTreeMap<String, f64>,  // added in a second without load, by those that probes read
    pub stored: Option<f64>,                // items in the target
    pub busier: f64,                        // busiest minute over that of the study
    pub price_level: f64,                   // prices of the books, against today's
    pub fees: Vec<f64>,                     // of one execution, for each of the study's fees
    pub placed: Vec<PlacementUse>,          // in the configuration's order
    // resources that stay as they were measured, in the configuration's order
    pub unsized_resources: Vec<ResourceUse>,
}

/// Use of the processors and the memory of one placement.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacementUse {
    pub cpu_s: Vec<f64>, // busy-seconds of a measured core per execution; 0 for behaviours that run elsewhere
    pub open_s: Vec<f64>, // of them, those that open items add; below 0 if fewer are open than was measured
    pub law: LoadLaw,    // how that changes with utilisation
    pub idle: f64,       // busy-seconds per second
    pub speed: f64,      // of a virtual CPU against a measured core
    pub cold_start: ColdStart, // of a function; nothing on units
    pub memory: Option<ResourceUse>, // resident bytes, and bytes per execution a second
    pub most_utilisation: f64, // that objectives of response time allow, 0-1
    pub reserve: f64,    // share of capacity that policy wants left
}

/// What one draw says of the host of one placement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HostDraw {
    pub speed: f64, // of a virtual CPU against a measured core
    pub cold_start: ColdStart,
}

/// Use of one resource.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceUse {
    pub demand: Vec<f64>, // per execution, by behaviour
    pub open: Vec<f64>,   // of it, what open items add
    pub idle: f64,        // without load
    pub law: LoadLaw,
}

impl ScenarioInputs {
    /// What `draw` says about a configuration, for what customers do and what its hosts are like, by
    /// placement.
    pub fn new(
        model: &ScalingModel,
        priced: &PricedConfig<'_>,
        draw: &ParameterDraw,
        activity: Activity<'_>,
        hosts: &[HostDraw],
    ) -> Self {
        let demand = ScenarioDemand {
            model,
            behaviours: &priced.behaviours,
            draw,
            activity,
        };
        let placed = priced.placed.iter().zip(hosts);
        Self {
            rates_per_day: priced
                .behaviours
                .iter()
                .map(|name| activity.rates.get(name).copied().unwrap_or(0.0))
                .collect(),
            bytes: demand
                .by_behaviour(|name| demand.per_execution(demand.first(ResourceKind::Network), name)),
            counts: demand.counts(priced.config.meters.values().flat_map(MeterUse::named_counts)),
            count_idle: demand.count_idle(priced.config.meters.values().flat_map(MeterUse::named_counts)),
            stored: activity.stored,
            busier: 1.0,
            price_level: 1.0,
            fees: activity.fees.to_vec(),
            placed: placed
                .map(|(placed, host)| demand.placement_use(placed, *host))
                .collect(),
            unsized_resources: priced
                .unsized_resources
                .iter()
                .map(|unsized_resource| demand.unsized_use(unsized_resource))
                .collect(),
        }
    }

    /// Sets the utilisation of each placement to that at which the first objective of its behaviours is
    /// missed, so that more units are bought there; to all of it without objectives.
    #[must_use]
    pub fn meeting_objectives(
        mut self,
        priced: &PricedConfig<'_>,
        study: &Study,
        model: &ScalingModel,
        draw: &ParameterDraw,
    ) -> Self {
        self.placed
            .iter_mut()
            .for_each(|used| used.most_utilisation = 1.0);
        for (law, limit_s) in study.slo.values().flat_map(|slo| laws_of_objective(slo, model)) {
            let Some(placed) = priced
                .carrying_law(law)
                .filter(|placed| priced.sizing(*placed, &self).is_some())
            else {
                continue;
            };
            let most = highest_utilisation(
                &priced.behaviour_laws(draw, law),
                law.quantile,
                limit_s / priced.slowdown(&self, law),
            );
            if let Some(most) = most.filter(|most| *most >= LEAST_UTILISATION) {
                let used = &mut self.placed[placed];
                used.most_utilisation = used.most_utilisation.min(most);
            }
        }
        self
    }

    /// Busy-seconds of measured cores that one customer causes in a day, over all placements.
    pub fn busy_per_day(&self) -> f64 {
        (0..self.placed.len())
            .map(|placed| self.busy_per_day_of(placed))
            .sum()
    }

    /// Busy-seconds of a measured core that one customer causes in a day on one placement.
    pub fn busy_per_day_of(&self, placed: usize) -> f64 {
        per_day(&self.rates_per_day, &self.placed[placed].cpu_s)
    }

    /// Use of a resource that one customer causes in a day.
    pub fn use_per_day(&self, used: &ResourceUse) -> f64 {
        per_day(&self.rates_per_day, &used.demand)
    }

    /// On the way to `after`; `fee_behaviours` are the behaviours of the fees.
    ///
    /// # Formula
    /// Of the customers a share `s` has come under the policy, so that rates are `r = (1 - s) r0 + s r1`. Of
    /// the executions of a behaviour they do `e = s r1 / r`, so fees are `f0 + e (f1 - f0)`: a month's is
    /// `N ((1 - s) r0 f0 + s r1 f1)`. Open items are of the customer who executes, and what they add moves by
    /// `w r1 / r`. Stored items are those of all customers, and what they add moves by their own share.
    pub fn towards(&self, after: &Self, progress: Progress, fee_behaviours: &[usize]) -> Self {
        let mix = |before: &f64, after: &f64, share: f64| before + (after - before) * share;
        let evenly = |before: &[f64], after: &[f64], share: f64| -> Vec<f64> {
            let pairs = before.iter().zip(after);
            pairs.map(|(before, after)| mix(before, after, share)).collect()
        };
        let rates_per_day = evenly(&self.rates_per_day, &after.rates_per_day, progress.adopted);
        // A share of customers, as a share of the executions that they do.
        let of_executions = |index: usize, share: f64| {
            let rate = rates_per_day[index];
            if rate > 0.0 {
                share * after.rates_per_day[index] / rate
            } else {
                share
            }
        };
        let executed = |before: [&[f64]; 2], after: [&[f64]; 2]| -> (Vec<f64>, Vec<f64>) {
            let one = |index: usize| {
                let ([whole, open], [whole_after, open_after]) = (
                    [before[0][index], before[1][index]],
                    [after[0][index], after[1][index]],
                );
                let opened = (open_after - open) * of_executions(index, progress.settled);
                let stored = (whole_after - open_after - (whole - open)) * progress.stored;
                ((whole + opened + stored).max(0.0), open + opened)
            };
            (0..before[0].len()).map(one).unzip()
        };
        let used = |(before, after): (&ResourceUse, &ResourceUse)| {
            let (demand, open) = executed([&before.demand, &before.open], [&after.demand, &after.open]);
            ResourceUse {
                demand,
                open,
                ..after.clone()
            }
        };
        let placed = self.placed.iter().zip(&after.placed).map(|(before, after)| {
            let (cpu_s, open_s) = executed([&before.cpu_s, &before.open_s], [&after.cpu_s, &after.open_s]);
            PlacementUse {
                cpu_s,
                open_s,
                memory: before.memory.as_ref().zip(after.memory.as_ref()).map(used),
                ..after.clone()
            }
        });
        let fees = self.fees.iter().zip(&after.fees).zip(fee_behaviours);
        // What an execution sends and counts depends on what is stored, as its time does.
        let counts = self.counts.iter().zip(after.counts.values());
        let counts =
            counts.map(|((name, before), after)| (name.clone(), evenly(before, after, progress.stored)));
        Self {
            placed: placed.collect(),
            unsized_resources: self
                .unsized_resources
                .iter()
                .zip(&after.unsized_resources)
                .map(used)
                .collect(),
            fees: fees
                .map(|((before, after), index)| mix(before, after, of_executions(*index, progress.adopted)))
                .collect(),
            bytes: evenly(&self.bytes, &after.bytes, progress.stored),
            counts: counts.collect(),
            count_idle: after.count_idle.clone(),
            stored: (self.stored.is_some() || after.stored.is_some()).then(|| {
                mix(
                    &self.stored.unwrap_or(0.0),
                    &after.stored.unwrap_or(0.0),
                    progress.stored,
                )
            }),
            busier: after.busier,
            price_level: after.price_level,
            rates_per_day,
        }
    }
}

/// How far a policy has come, as shares (0-1).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Of the customers, those under it.
    pub adopted: f64,
    /// Of the change of open items, what is there.
    pub settled: f64,
    /// Of the change of stored items, what is there.
    pub stored: f64,
}

/// Whether a resource is the counter that a study calls `count`.
pub fn is_counter(resource: &ResourceModel, count: &str) -> bool {
    let named = || {
        resource
            .name
            .strip_prefix(resource.tier.as_str())?
            .strip_prefix('/')
    };
    resource.kind == ResourceKind::Count && named() == Some(count)
}

/// Every law of response times that an objective speaks of, with its limit in seconds.
pub fn laws_of_objective<'a>(
    slo: &'a Slo,
    model: &'a ScalingModel,
) -> impl Iterator<Item = (&'a QuantileLaw, f64)> {
    slo.limits().into_iter().flat_map(move |(quantile, limit_s)| {
        let laws = model.quantiles.iter().filter(move |law| {
            let applies = slo
                .applies_to
                .as_ref()
                .is_none_or(|behaviour| law.behaviour == *behaviour);
            applies && law.quantile == quantile
        });
        laws.map(move |law| (law, limit_s))
    })
}

/// What one draw says of the use by an execution, for what customers do.
struct ScenarioDemand<'a> {
    model: &'a ScalingModel,
    behaviours: &'a [String],
    draw: &'a ParameterDraw,
    activity: Activity<'a>,
}

/// A measured resource, in one draw.
type DrawnResource<'a> = (&'a ResourceModel, &'a ResourceDraw);

impl<'a> ScenarioDemand<'a> {
    fn by_behaviour(&self, demand: impl Fn(&str) -> f64) -> Vec<f64> {
        self.behaviours.iter().map(|name| demand(name).max(0.0)).collect()
    }

    /// The same, 0 for behaviours that do not count.
    fn by_counting_behaviour(&self, counts: &[bool], demand: impl Fn(&str) -> f64) -> Vec<f64> {
        let of_one = |(name, counts): (&String, &bool)| if *counts { demand(name).max(0.0) } else { 0.0 };
        self.behaviours.iter().zip(counts).map(of_one).collect()
    }

    /// Use of a tier's processor by an execution of each behaviour that counts, and what of it open items
    /// add.
    fn with_open(&self, counts: &[bool], tier: &str, own: impl Fn(&str) -> f64) -> (Vec<f64>, Vec<f64>) {
        let whole = self.by_counting_behaviour(counts, |name| own(name) + self.backlog(tier, name));
        let without = self.by_counting_behaviour(counts, &own);
        let open = whole.iter().zip(&without).map(|(whole, without)| whole - without);
        let open = open.collect();
        (whole, open)
    }

    fn first(&self, kind: ResourceKind) -> Option<DrawnResource<'a>> {
        self.find(|resource| resource.kind == kind)
    }

    fn on_tier(&self, kind: ResourceKind, tier: &str) -> Option<DrawnResource<'a>> {
        self.find(|resource| resource.kind == kind && resource.tier == tier)
    }

    fn find(&self, wanted: impl Fn(&ResourceModel) -> bool) -> Option<DrawnResource<'a>> {
        let resource = self.model.resources.iter().find(|resource| wanted(resource))?;
        Some((resource, self.draw.resources.get(&resource.name)?))
    }

    /// Use of a resource by one execution, with what is stored; 0 of a resource that was not measured.
    fn per_execution(&self, resource: Option<DrawnResource<'a>>, behaviour: &str) -> f64 {
        let Some((resource, drawn)) = resource else {
            return 0.0;
        };
        match (&resource.size_dependence, self.activity.stored) {
            (Some(size), Some(stored)) => drawn.demand_stored(behaviour, Some(size), stored),
            _ => drawn.demand.get(behaviour).copied().unwrap_or(0.0),
        }
    }

    /// What an execution of each behaviour adds to some counts: its own, or those of a counter that a probe
    /// reads; 0 without either.
    fn counts<'c>(&self, counts: impl Iterator<Item = &'c str>) -> BTreeMap<String, Vec<f64>> {
        let amount = |name: &str, count: &str| self.draw.counts.get(name)?.get(count).copied();
        counts
            .map(|count| {
                let counter = self.counter(count);
                let amounts = self.by_behaviour(|name| match amount(name, count) {
                    Some(amount) => amount,
                    None => self.per_execution(counter, name),
                });
                (count.to_owned(), amounts)
            })
            .collect()
    }

    /// What counters that probes read count in a second without load.
    fn count_idle<'c>(&self, counts: impl Iterator<Item = &'c str>) -> BTreeMap<String, f64> {
        counts
            .filter_map(|count| {
                let (_, drawn) = self.counter(count)?;
                Some((count.to_owned(), drawn.idle.max(0.0)))
            })
            .collect()
    }

    /// A counter that a probe reads, by its name in the study.
    fn counter(&self, count: &str) -> Option<DrawnResource<'a>> {
        self.find(|resource| is_counter(resource, count))
    }

    /// Seconds that open items add to one execution on a tier's processor.
    fn backlog(&self, tier: &str, behaviour: &str) -> f64 {
        if self.activity.backlog.is_empty() {
            return 0.0;
        }
        let key = (tier.to_owned(), behaviour.to_owned());
        self.activity.backlog.get(&key).copied().unwrap_or(0.0)
    }

    fn placement_use(&self, placed: &SizedPlacement<'_>, host: HostDraw) -> PlacementUse {
        let tier = &placed.placement.tier;
        let cpu = self.on_tier(ResourceKind::Cpu, tier);
        let memory = self.on_tier(ResourceKind::Memory, tier);
        let (cpu_s, open_s) = self.with_open(&placed.carries, tier, |name| self.per_execution(cpu, name));
        PlacementUse {
            cpu_s,
            open_s,
            law: cpu.map_or(LoadLaw::default(), |(_, cpu)| cpu.law),
            idle: cpu.map_or(0.0, |(_, cpu)| cpu.idle),
            speed: host.speed,
            cold_start: host.cold_start,
            memory: memory.map(|(_, drawn)| ResourceUse {
                demand: self.by_counting_behaviour(&placed.carries, |name| self.per_execution(memory, name)),
                open: vec![0.0; self.behaviours.len()],
                idle: drawn.idle,
                law: LoadLaw::default(),
            }),
            most_utilisation: 1.0,
            reserve: placed.placement.reserve(),
        }
    }

    fn unsized_use(&self, unsized_resource: &UnsizedResource<'_>) -> ResourceUse {
        let resource = unsized_resource.resource;
        let drawn = self
            .draw
            .resources
            .get(&resource.name)
            .map(|drawn| (resource, drawn));
        let own = |name: &str| self.per_execution(drawn, name);
        let (demand, open) = match resource.kind {
            ResourceKind::Cpu => self.with_open(&unsized_resource.counts, &resource.tier, own),
            _ => (
                self.by_counting_behaviour(&unsized_resource.counts, own),
                vec![0.0; self.behaviours.len()],
            ),
        };
        ResourceUse {
            demand,
            open,
            idle: drawn.map_or(0.0, |(_, drawn)| drawn.idle),
            law: drawn.map_or(LoadLaw::default(), |(_, drawn)| drawn.law),
        }
    }
}

fn per_day(rates: &[f64], demand: &[f64]) -> f64 {
    rates.iter().zip(demand).map(|(rate, demand)| rate * demand).sum()
}

/// What open items add to demand at the parameters `now`, beyond those that were open when it was measured.
/// `usual` are those of the study in the same draw, without any policy.
///
/// # Formula
/// `seconds per open item x (open items now - open items at the parameters of the measured study)`, both in
/// the long run: ◇ assumed is that the target was measured with as much open as that study's mechanism says.
pub fn backlog_demand(
    study: &Study,
    measured: &Study,
    usual: &BTreeMap<String, f64>,
    now: &BTreeMap<String, f64>,
) -> Result<BacklogDemand, DataError> {
    let mut work = BacklogDemand::new();
    let reading = study
        .mechanisms
        .iter()
        .filter(|(_, mechanism)| !mechanism.per_open_item.is_empty());
    for (name, mechanism) in reading {
        let then = measured
            .mechanisms
            .get(name)
            .unwrap_or(mechanism)
            .renewal_rates(&parameters_then(study, measured, usual))?
            .open_items;
        let more = mechanism.renewal_rates(now)?.open_items - then;
        for (behaviour, seconds) in &mechanism.per_open_item {
            *work
                .entry((mechanism.tier.clone(), behaviour.clone()))
                .or_default() += seconds.get() * more;
        }
    }
    Ok(work)
}

/// Parameters as they were when it was measured. One whose range has not changed since is as uncertain then
/// as now, and the same.
fn parameters_then(study: &Study, measured: &Study, usual: &BTreeMap<String, f64>) -> BTreeMap<String, f64> {
    let mut then = study.parameter_values();
    then.extend(measured.parameter_values());
    for (name, parameter) in measured
        .parameters
        .iter()
        .filter(|(_, parameter)| parameter.range().is_some())
    {
        if let Some(value) = usual
            .get(name)
            .filter(|_| study.parameters.get(name) == Some(parameter))
        {
            then.insert(name.clone(), *value);
        }
    }
    then
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a customer uses a day, and pays in fees, is the sum over customers of both kinds: products of
    /// means are something else.
    #[test]
    fn what_is_on_its_way_is_the_sum_over_customers_of_both_kinds() {
        let inputs = |rate: f64, fee: f64, own_s: f64, open_s: f64, stored: f64| ScenarioInputs {
            rates_per_day: vec![rate],
            bytes: vec![0.0],
            counts: BTreeMap::new(),
            count_idle: BTreeMap::new(),
            stored: Some(stored),
            busier: 1.0,
            price_level: 1.0,
            fees: vec![fee],
            placed: vec![PlacementUse {
                cpu_s: vec![own_s + open_s],
                open_s: vec![open_s],
                law: LoadLaw::default(),
                idle: 0.0,
                speed: 1.0,
                cold_start: ColdStart::default(),
                memory: None,
                most_utilisation: 1.0,
                reserve: 0.0,
            }],
            unsized_resources: Vec::new(),
        };
        let (before, after) = (
            inputs(0.3, 0.18, 0.01, 0.002, 900.0),
            inputs(0.15, 0.33, 0.03, 0.02, 500.0),
        );
        let [adopted, settled, kept] = [0.5, 0.25, 0.125];
        let progress = Progress {
            adopted,
            settled,
            stored: kept,
        };
        let now = before.towards(&after, progress, &[0]);
        let rate = (1.0 - adopted) * 0.3 + adopted * 0.15;
        let fees = (1.0 - adopted) * 0.3 * 0.18 + adopted * 0.15 * 0.33;
        // Those under the policy have, together, a quarter of its change of open items.
        let open = rate * 0.002 + 0.15 * settled * (0.02 - 0.002);
        let own = rate * (0.01 + kept * 0.02);
        assert!((now.fees[0] * now.rates_per_day[0] - fees).abs() < 1e-15);
        assert!(
            (now.busy_per_day() - open - own).abs() < 1e-15,
            "{}",
            now.busy_per_day()
        );
        assert_eq!(now.stored, Some(850.0));
        let at = |share: f64| {
            let all = Progress {
                adopted: share,
                settled: share,
                stored: share,
            };
            before.towards(&after, all, &[0])
        };
        assert_eq!(at(0.0), before);
        assert!((at(1.0).busy_per_day() - after.busy_per_day()).abs() < 1e-15 && at(1.0).fees == after.fees);
    }
}
