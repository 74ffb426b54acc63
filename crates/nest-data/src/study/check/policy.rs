//! Checks mechanisms, policies and the budget of a study beyond their schema.

use crate::{
    diagnostic::{Diagnostic, offer},
    formula::{RATES, is_unit_of_time},
    study::Study,
    toml_document::Spans,
};

/// Checks mechanisms, policies and the budget.
pub(crate) fn check_policies(study: &Study, spans: &Spans, found: &mut Vec<Diagnostic>) {
    check_mechanisms(study, spans, found);
    // What has no value without a policy is reported already.
    let has_rates = study.rates_per_day(&study.parameter_values()).is_ok();
    for (name, policy) in &study.policies {
        for parameter in policy
            .set
            .keys()
            .filter(|parameter| !study.parameters.contains_key(*parameter))
        {
            let help = offer(parameter, study.parameters.keys());
            let message =
                format!("policy `{name}` sets `{parameter}`, but there is no parameter of that name");
            found.push(spans.at_key(&["policies", name, "set", parameter], message, help));
        }
        if policy.ramp.is_some() && policy.from.is_none() {
            found.push(spans.at_key(
                &["policies", name, "ramp"],
                format!("policy `{name}` has a ramp but no date on which it begins"),
                "add from = 2027-03-01",
            ));
        }
        let mut parameters = study.parameter_values();
        parameters.extend(policy.set.clone());
        if has_rates && let Err(error) = study.rates_per_day(&parameters) {
            found.push(spans.at_key(
                &["policies", name],
                format!("policy `{name}`: {error}"),
                "choose values for which every rate is 0 or more",
            ));
        }
    }
    for (key, amount) in [
        ("per_1000", study.budget.per_1000),
        ("monthly", study.budget.monthly),
    ] {
        if amount.is_some_and(|amount| amount.0.is_sign_negative() || amount.0.is_zero()) {
            found.push(spans.at_value(
                &["budget", key],
                format!("`budget.{key}` must be above zero"),
                "write an amount such as \"40\"",
            ));
        }
    }
}

fn check_mechanisms(study: &Study, spans: &Spans, found: &mut Vec<Diagnostic>) {
    for (name, mechanism) in &study.mechanisms {
        if name == RATES || is_unit_of_time(name) {
            found.push(spans.at_key(
                &["mechanisms", name],
                format!("`{name}` cannot be the name of a mechanism: it has another meaning in formulas"),
                "rename the mechanism",
            ));
        }
        let formulas = [
            ("accrues", mechanism.accrues.formula()),
            ("lump", mechanism.lump.formula()),
            ("pays_at", mechanism.pays_at.formula()),
        ];
        for (key, formula) in formulas {
            for parameter in formula
                .names()
                .into_iter()
                .filter(|parameter| !study.parameters.contains_key(parameter))
            {
                let message = format!(
                    "`{key}` of mechanism `{name}` uses `{parameter}`, but there is no parameter of that name"
                );
                found.push(spans.at_value(
                    &["mechanisms", name, key],
                    message,
                    offer(&parameter, study.parameters.keys()),
                ));
            }
        }
        for behaviour in mechanism
            .per_open_item
            .keys()
            .filter(|behaviour| !study.rates.contains_key(*behaviour))
        {
            let message =
                format!("mechanism `{name}`: per_open_item lists `{behaviour}`, which is not in [rates]");
            found.push(spans.at_key(
                &["mechanisms", name, "per_open_item", behaviour],
                message,
                offer(behaviour, study.rates.keys()),
            ));
        }
    }
}
