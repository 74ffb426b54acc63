//! Judges a step: a pure function of its numbers.
//!
//! Every threshold stands in the file that uses it, with the reason for its value:
//!
//! - `generator`: whether the generator offered the load that was planned
//! - `target`: whether the target kept up with it
//! - `pause`: how long nothing ends where every worker is busy with work that is known
//! - `readings`: whether clocks and probes can be trusted
//! - `settle`: whether the load is there and response times have no trend, which is asked before the windows
//!   begin

use nest_data::measurement::{Counts, GeneratorHealth, Population, Validity, Verdict, Window};

mod findings;
mod generator;
mod option_names;
pub(crate) mod pause;
mod readings;
pub(crate) mod settle;
mod target;

use findings::Findings;
pub use generator::GeneratorKind;
pub use option_names::{OF_COMMAND, OF_STUDY, OptionNames};
use settle::Unsettled;

/// The numbers that a verdict rests on.
#[derive(Debug, Clone, Copy)]
pub struct StepFacts<'a> {
    /// Executions over all behaviours.
    pub executions: Counts,
    /// Requests over all behaviours.
    pub requests: Counts,
    /// The windows.
    pub windows: &'a [Window],
    /// The generator's health.
    pub generator: GeneratorHealth,
    /// What it is made of.
    pub kind: GeneratorKind,
    /// Time from sending to the answer in the median, in seconds.
    pub median_s: f64,
    /// Most requests per second, if they are bounded.
    pub max_rate: Option<f64>,
    /// Customers planned and reached, if there is a population.
    pub population: Option<Population>,
    /// Requests that failed because the generator had no descriptor, port or memory left.
    pub local_errors: u64,
    /// Executions that failed before anything was sent: a feed that ran dry, a request that cannot be made.
    pub own_errors: u64,
    /// Requests that failed because of what their answer said: a status that blames the request, a check,
    /// nothing to save, a body that cannot be read.
    pub wrong_answers: u64,
    /// Whether the target refused connections.
    pub refused: bool,
    /// Requests that failed as they do at a target that is full: no answer in time, no answer to an attempt
    /// to connect, an answer that says so.
    pub turned_away: u64,
    /// Behaviours in code that panicked.
    pub panics: u64,
    /// Executions that were planned to be due in the windows, if a schedule makes them.
    pub planned: Option<f64>,
    /// Time from sending to the answer that nine in ten requests take at least, in seconds.
    pub typical_s: f64,
    /// Why the step had not settled, or why that could not be told.
    pub unsettled: Option<Unsettled>,
    /// What the user raises to let a step settle longer, and to send more requests per second.
    pub options: OptionNames,
    /// Highest utilisation of a resource over the step, if one is known.
    pub utilisation: Option<f64>,
    /// Longest time without the end of any request while some were in flight, in seconds, without what of
    /// it the generator stood still.
    pub silence_s: f64,
    /// Longest such time that the work in flight explains, in seconds.
    pub explained_s: f64,
    /// Share of the polls at which the target's processes were stopped, 0-1.
    pub target_stopped: f64,
    /// Whether it was interrupted.
    pub interrupted: bool,
    /// Whether the step offers load.
    pub loaded: bool,
}

impl StepFacts<'_> {
    /// Length of all windows, in seconds.
    fn span_s(&self) -> f64 {
        self.windows.iter().map(|window| window.duration_s).sum()
    }

    /// Executions that came due while the generator stood still: what became of them is its own doing.
    fn due_in_gaps(&self) -> f64 {
        self.executions.due as f64 * self.generator.lost
    }
}

/// What was found about a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The gravest finding decides; every finding is given as a reason.
    pub verdict: Verdict,
    /// What shows that the target could not keep up.
    pub limits: Vec<String>,
    /// Whether the step is invalid by itself or by the generator, so that nothing can be said of the target.
    pub generator_failed: bool,
}

/// Judges a step.
#[must_use]
pub fn judge(facts: &StepFacts<'_>) -> Judgement {
    let mut findings = Findings::default();
    let is_bound = generator::bound(facts, &mut findings);
    if facts.loaded {
        generator::schedule(facts, &mut findings);
        generator::population(facts, &mut findings);
        generator::settling(facts, &mut findings);
    }
    readings::clocks(facts, &mut findings);
    readings::probes(facts, &mut findings);
    if facts.interrupted {
        findings.add(Validity::Invalid, "the step was interrupted".to_owned());
    }
    let generator_failed = findings.has(Validity::Invalid);
    // Of a target that was sent something else than was planned, nothing is said.
    if !is_bound {
        target::capacity(facts, &mut findings);
        target::standstill(facts, &mut findings);
        target::errors(facts, &mut findings);
        target::answers(facts, &mut findings);
    }
    Judgement {
        limits: findings.reasons_of(Validity::Limited),
        verdict: findings.verdict(),
        generator_failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(completed: u64) -> Window {
        Window {
            duration_s: 1.0,
            completed: [("a".to_owned(), completed)].into_iter().collect(),
            ..Window::default()
        }
    }

    fn verdict(change: impl FnOnce(&mut StepFacts<'_>, &mut [Window; 2])) -> Verdict {
        judgement(change).verdict
    }

    fn judgement(change: impl FnOnce(&mut StepFacts<'_>, &mut [Window; 2])) -> Judgement {
        let windows = [window(500), window(500)];
        let counts = Counts {
            due: 1_000,
            completed: 1_000,
            failed: 0,
            dropped: 0,
        };
        let generator = GeneratorHealth {
            cpu: 0.3,
            lateness_p50_s: 1e-5,
            lateness_p99_s: 5e-4,
            ..GeneratorHealth::default()
        };
        let mut facts = StepFacts {
            executions: counts,
            requests: counts,
            windows: &[],
            generator,
            kind: GeneratorKind::Native,
            median_s: 0.002,
            max_rate: Some(60.0),
            population: None,
            local_errors: 0,
            own_errors: 0,
            wrong_answers: 0,
            refused: false,
            turned_away: 0,
            panics: 0,
            planned: None,
            typical_s: 0.001,
            unsettled: None,
            options: OF_STUDY,
            utilisation: Some(0.5),
            silence_s: 0.01,
            explained_s: 0.0,
            target_stopped: 0.0,
            interrupted: false,
            loaded: true,
        };
        let mut own = windows;
        change(&mut facts, &mut own);
        judge(&StepFacts {
            windows: &own,
            ..facts
        })
    }

    fn validity(change: impl FnOnce(&mut StepFacts<'_>)) -> Validity {
        verdict(|facts, _| change(facts)).validity
    }

    #[test]
    fn a_quiet_step_is_valid() {
        assert_eq!(
            verdict(|_, _| ()),
            Verdict {
                validity: Validity::Valid,
                reasons: Vec::new()
            }
        );
    }

    #[test]
    fn a_generator_at_its_limit_is_never_blamed_on_the_target() {
        assert_eq!(
            validity(|facts| facts.generator.lateness_p99_s = 0.0011),
            Validity::Suspect
        );
        assert_eq!(
            validity(|facts| facts.generator.clock_p99_s = 0.030),
            Validity::Invalid
        );
        assert_eq!(validity(|facts| facts.generator.cpu = 0.85), Validity::Suspect);
        assert_eq!(validity(|facts| facts.generator.cpu = 0.97), Validity::Invalid);
        assert_eq!(
            validity(|facts| facts.generator.waiting = 0.30),
            Validity::Invalid
        );
        assert_eq!(validity(|facts| facts.local_errors = 1), Validity::Invalid);
        assert_eq!(validity(|facts| facts.interrupted = true), Validity::Invalid);
        assert_eq!(validity(|facts| facts.generator.queued = 50), Validity::Suspect);
    }

    /// Due 1,000, of which so many failed or were dropped.
    fn counts(failed: u64, dropped: u64) -> Counts {
        Counts {
            due: 1_000,
            completed: 1_000 - failed - dropped,
            failed,
            dropped,
        }
    }

    #[test]
    fn a_generator_that_stood_still_is_named_although_no_quantile_shows_it() {
        let stood_still = |longest_gap_s, lost| {
            verdict(|facts, _| {
                (facts.generator.longest_gap_s, facts.generator.lost) = (longest_gap_s, lost);
            })
        };
        for (longest_gap_s, lost, validity) in [
            (0.3, 0.005, Validity::Valid),
            (0.6, 0.006, Validity::Suspect),
            (0.05, 0.02, Validity::Suspect),
            (1.5, 0.015, Validity::Invalid),
            (0.05, 0.06, Validity::Invalid),
        ] {
            assert_eq!(
                stood_still(longest_gap_s, lost).validity,
                validity,
                "{longest_gap_s} s, {lost}"
            );
        }
        assert_eq!(
            stood_still(1.5, 0.375).reasons,
            ["the generator stood still for 38 % of the time, and for 1.50 s at once"]
        );
    }

    #[test]
    fn what_came_due_while_the_generator_stood_still_is_not_blamed_on_the_target() {
        let blamed = |lost| {
            let found = judgement(|facts, windows| {
                facts.generator.lost = lost;
                facts.executions = counts(0, 300);
                windows[1].completed.insert("a".to_owned(), 200);
            });
            found.limits
        };
        assert_eq!(blamed(0.375), Vec::<String>::new());
        assert_eq!(
            blamed(0.0).len(),
            3,
            "dropped, a growing queue, and executions that failed"
        );
    }

    #[test]
    fn failures_are_put_down_to_capacity_only_where_something_shows_it() {
        let failed = |change: &dyn Fn(&mut StepFacts<'_>)| {
            judgement(|facts, _| {
                facts.executions = counts(100, 0);
                change(facts);
            })
        };
        let in_time = failed(&|_| ());
        assert_eq!(
            (in_time.verdict.validity, in_time.limits.len()),
            (Validity::Invalid, 0)
        );
        assert!(
            !in_time.generator_failed
                && in_time.verdict.reasons[0].contains("nothing shows that the target was full"),
            "{in_time:?}"
        );
        for full in [
            failed(&|facts| facts.turned_away = 60),
            failed(&|facts| facts.utilisation = Some(0.99)),
            failed(&|facts| facts.silence_s = 1.0),
        ] {
            assert_eq!(full.verdict.validity, Validity::Limited, "{full:?}");
            assert!(
                full.limits
                    .iter()
                    .any(|limit| limit.contains("10.0 % of the executions")),
                "{full:?}"
            );
        }
        let few = failed(&|facts| facts.executions = counts(20, 0));
        assert_eq!(few.verdict.validity, Validity::Suspect);
    }

    #[test]
    fn a_population_that_was_not_reached_makes_a_step_invalid() {
        assert_eq!(
            validity(|facts| facts.population = Some(Population {
                planned: 1_000,
                reached: 995
            })),
            Validity::Valid
        );
        let short = verdict(|facts, _| {
            facts.population = Some(Population {
                planned: 1_000,
                reached: 900,
            })
        });
        assert_eq!(
            (short.validity, short.reasons),
            (
                Validity::Invalid,
                vec!["only 900 of 1000 customers could act".to_owned()]
            )
        );
        assert_eq!(
            validity(|facts| (facts.population, facts.refused) = (
                Some(Population {
                    planned: 10,
                    reached: 5
                }),
                true
            )),
            Validity::Limited
        );
        let gone = Some(Population {
            planned: 10,
            reached: 0,
        });
        assert_eq!(
            validity(|facts| (facts.population, facts.refused) = (gone, true)),
            Validity::Invalid
        );
        assert_eq!(validity(|facts| facts.planned = Some(1_000.0)), Validity::Valid);
        assert_eq!(validity(|facts| facts.planned = Some(1_500.0)), Validity::Suspect);
        assert_eq!(validity(|facts| facts.own_errors = 20), Validity::Invalid);
        assert_eq!(validity(|facts| facts.panics = 1), Validity::Invalid);
        assert_eq!(
            validity(|facts| (facts.silence_s, facts.typical_s) = (1.0, 1.0)),
            Validity::Limited
        );
        let in_step = Some(Population {
            planned: 64,
            reached: 64,
        });
        assert_eq!(
            validity(|facts| (facts.silence_s, facts.typical_s, facts.population) = (1.0, 1.0, in_step)),
            Validity::Valid
        );
        assert_eq!(
            validity(|facts| facts.unsettled = Some(Unsettled::Trend { factor: 1.3 })),
            Validity::Suspect
        );
    }

    #[test]
    fn a_settle_check_that_could_not_look_is_named_and_doubted_in_a_long_step() {
        let blind = Some(Unsettled::TooFew { executions: 7 });
        let short = verdict(|facts, _| facts.unsettled = blind);
        assert_eq!(
            (short.validity, short.reasons.len()),
            (Validity::Valid, 1),
            "{:?}",
            short.reasons
        );
        assert!(
            short.reasons[0].contains("only 7 executions")
                && short.reasons[0].ends_with("; raise [measure] settle"),
            "{:?}",
            short.reasons
        );
        let alone = verdict(|facts, _| (facts.unsettled, facts.options) = (blind, OF_COMMAND));
        assert!(
            alone.reasons[0].ends_with("; raise --warm-up"),
            "{:?}",
            alone.reasons
        );
        let long = verdict(|facts, windows| {
            facts.unsettled = blind;
            facts.executions.due = 4_000;
            facts.executions.completed = 4_000;
            windows
                .iter_mut()
                .for_each(|window| *window = super::tests::window(2_000));
        });
        assert_eq!(long.validity, Validity::Suspect);
    }

    #[test]
    fn a_step_that_max_rate_held_back_is_invalid_and_blames_nobody_else() {
        let held = |held| {
            judgement(|facts, windows| {
                facts.generator.held = held;
                facts.executions = counts(900, 0);
                (facts.utilisation, facts.silence_s, facts.turned_away) = (Some(1.0), 2.0, 900);
                windows[1].completed.insert("a".to_owned(), 0);
            })
        };
        let bound = held(980);
        assert_eq!(
            (bound.verdict.validity, bound.limits.len(), bound.generator_failed),
            (Validity::Invalid, 0, true)
        );
        assert_eq!(
            bound.verdict.reasons,
            [
                "max_rate held back 980 of 1000 requests, as no more than 60 per second may be sent: the \
                 load was not what was planned; raise [measure] max_rate, or plan less"
            ]
        );
        assert_eq!(held(0).verdict.validity, Validity::Limited);
        let validity = |held| validity(|facts| facts.generator.held = held);
        assert_eq!(
            [1, 2, 10, 11].map(validity),
            [
                Validity::Valid,
                Validity::Suspect,
                Validity::Suspect,
                Validity::Invalid
            ]
        );
    }

    #[test]
    fn queued_starts_have_a_bound_of_their_own() {
        assert_eq!(validity(|facts| facts.generator.queued = 1), Validity::Valid);
        assert_eq!(validity(|facts| facts.generator.queued = 2), Validity::Suspect);
    }

    #[test]
    fn a_target_that_cannot_keep_up_is_limited() {
        assert_eq!(
            validity(|facts| facts.utilisation = Some(0.995)),
            Validity::Limited
        );
        assert_eq!(
            validity(|facts| facts.executions = Counts {
                due: 1_000,
                completed: 900,
                failed: 60,
                dropped: 40
            }),
            Validity::Limited
        );
        assert_eq!(
            validity(|facts| facts.executions = Counts {
                due: 1_300,
                completed: 1_300,
                failed: 0,
                dropped: 0
            }),
            Validity::Limited
        );
        assert_eq!(
            validity(|facts| facts.executions = Counts {
                due: 1_000,
                completed: 990,
                failed: 10,
                dropped: 0
            }),
            Validity::Suspect
        );
        assert_eq!(
            validity(|facts| facts.executions = Counts {
                due: 1_000,
                completed: 999,
                failed: 0,
                dropped: 1
            }),
            Validity::Suspect
        );
        assert_eq!(validity(|facts| facts.target_stopped = 0.4), Validity::Limited);
        assert_eq!(validity(|facts| facts.silence_s = 1.0), Validity::Limited);
        let throttled = verdict(|_, windows| {
            windows[0].throttled.insert("app".to_owned(), 0.4);
        });
        assert_eq!(
            (throttled.validity, throttled.reasons),
            (
                Validity::Limited,
                vec!["the CPU quota held tier `app` back for 20 % of the time".to_owned()]
            )
        );
    }

    #[test]
    fn wrong_answers_that_come_in_time_are_no_lack_of_capacity() {
        let counts = |failed| Counts {
            due: 1_000,
            completed: 1_000 - failed,
            failed,
            dropped: 0,
        };
        let judged = |failed, wrong, turned_away, utilisation| {
            verdict(|facts, _| {
                facts.executions = counts(failed);
                facts.wrong_answers = wrong;
                facts.turned_away = turned_away;
                facts.utilisation = Some(utilisation);
            })
        };
        let with = |failed, wrong, utilisation| judged(failed, wrong, failed - wrong, utilisation);
        assert_eq!(with(300, 300, 0.5).validity, Validity::Invalid);
        assert!(with(300, 300, 0.5).reasons[0].contains("says nothing about capacity"));
        assert_eq!(with(20, 20, 0.5).validity, Validity::Suspect);
        assert_eq!(with(4, 4, 0.5).validity, Validity::Valid);
        // Others that fail, and a resource that is full, are still what they are.
        assert_eq!(judged(300, 200, 0, 0.5).validity, Validity::Invalid);
        assert_eq!(with(300, 200, 0.5).validity, Validity::Limited);
        assert_eq!(with(300, 10, 0.5).validity, Validity::Limited);
        assert_eq!(with(300, 300, 0.999).validity, Validity::Limited);
        let all = verdict(|facts, _| {
            facts.executions = counts(1_000);
            facts.wrong_answers = 1_000;
        });
        assert_eq!(
            (all.validity, all.reasons.len()),
            (Validity::Invalid, 1),
            "{:?}",
            all.reasons
        );
    }

    #[test]
    fn doubts_about_clocks_connections_and_probes_are_named() {
        assert_eq!(
            validity(|facts| facts.generator.clock_step_s = -3.0),
            Validity::Suspect
        );
        assert_eq!(
            validity(|facts| facts.generator.lost_connections = 2),
            Validity::Suspect
        );
        assert_eq!(
            verdict(|_, windows| windows[0].duration_s = 1.3).validity,
            Validity::Suspect
        );
        let gap = || vec!["db: no answer".to_owned()];
        assert_eq!(
            verdict(|_, windows| windows[0].gaps = gap()).validity,
            Validity::Suspect
        );
        assert_eq!(
            verdict(|_, windows| windows.iter_mut().for_each(|window| window.gaps = gap())).validity,
            Validity::Invalid
        );
    }

    #[test]
    fn the_gravest_finding_decides_and_all_are_named() {
        let verdict = verdict(|facts, windows| {
            facts.executions = Counts {
                due: 100,
                completed: 0,
                failed: 100,
                dropped: 0,
            };
            facts.generator.cpu = 0.99;
            windows.iter_mut().for_each(|window| window.completed.clear());
        });
        assert_eq!((verdict.validity, verdict.reasons.len()), (Validity::Invalid, 3));
    }
}
