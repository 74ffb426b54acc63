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

/// The facts of a quiet step, without its windows.
pub fn facts() -> StepFacts<'static> {
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
    StepFacts {
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
        generators: &[],
        broken: None,
        loaded: true,
    }
}

fn judgement(change: impl FnOnce(&mut StepFacts<'_>, &mut [Window; 2])) -> Judgement {
    let windows = [window(500), window(500)];
    let mut facts = facts();
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
