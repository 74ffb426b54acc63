//! How often customers act: the rates of a study at given parameters, and the names that its formulas may
//! use.

use std::collections::BTreeMap;

use super::Study;
use crate::{
    error::DataError,
    formula::{MECHANISM_VALUES, RATES, Rate},
    study::segment::shares,
};

impl Study {
    /// Parameters at their central values.
    #[must_use]
    pub fn parameter_values(&self) -> BTreeMap<String, f64> {
        self.parameters
            .iter()
            .map(|(name, parameter)| (name.clone(), parameter.value()))
            .collect()
    }

    /// Executions per customer and day of each behaviour at given parameters, over all customers as they are
    /// at the start of growth.
    ///
    /// # Errors
    /// [`DataError::Rate`] where a rate has no finite value of 0 or more there, [`DataError::Formula`] where
    /// a mechanism has none.
    pub fn rates_per_day(
        &self,
        parameters: &BTreeMap<String, f64>,
    ) -> Result<BTreeMap<String, f64>, DataError> {
        self.rates_after(parameters, 0.0)
    }

    /// The same `months` after the start of growth, when the shares of its segments have changed.
    ///
    /// # Formula
    /// `sum_s share_s(t) rate_s`.
    ///
    /// # Errors
    /// [`DataError::Rate`] where a rate has no finite value of 0 or more there, [`DataError::Formula`] where
    /// a mechanism has none.
    pub fn rates_after(
        &self,
        parameters: &BTreeMap<String, f64>,
        months: f64,
    ) -> Result<BTreeMap<String, f64>, DataError> {
        if self.segments.is_empty() {
            return self.rates_of(&self.rates, parameters);
        }
        let mut mixed: BTreeMap<String, f64> = self.rates.keys().map(|name| (name.clone(), 0.0)).collect();
        for (name, share) in shares(&self.segments, months) {
            for (behaviour, rate) in self.segment_rates(&name, parameters)? {
                *mixed.entry(behaviour).or_default() += share * rate;
            }
        }
        Ok(mixed)
    }

    /// Executions per day of one customer of a segment.
    ///
    /// # Errors
    /// [`DataError::Rate`] where a rate has no finite value of 0 or more there, [`DataError::Formula`] where
    /// a mechanism has none.
    pub fn segment_rates(
        &self,
        segment: &str,
        parameters: &BTreeMap<String, f64>,
    ) -> Result<BTreeMap<String, f64>, DataError> {
        let mut rates = self.rates.clone();
        rates.extend(
            self.segments
                .get(segment)
                .into_iter()
                .flat_map(|segment| segment.rates.clone()),
        );
        self.rates_of(&rates, parameters)
    }

    fn rates_of(
        &self,
        rates: &BTreeMap<String, Rate>,
        parameters: &BTreeMap<String, f64>,
    ) -> Result<BTreeMap<String, f64>, DataError> {
        let values = self.values_at(rates, parameters)?;
        Ok(rates
            .keys()
            .map(|name| (name.clone(), values[&rate_name(name)]))
            .collect())
    }

    /// Every value that the formulas of `rates` may use at the central values of parameters, by the name that
    /// it has there.
    ///
    /// # Errors
    /// [`DataError::Rate`] where a rate has no finite value of 0 or more there, [`DataError::Formula`] where
    /// a mechanism has none.
    pub fn values_of_formulas(
        &self,
        rates: &BTreeMap<String, Rate>,
    ) -> Result<BTreeMap<String, f64>, DataError> {
        self.values_at(rates, &self.parameter_values())
    }

    fn values_at(
        &self,
        rates: &BTreeMap<String, Rate>,
        parameters: &BTreeMap<String, f64>,
    ) -> Result<BTreeMap<String, f64>, DataError> {
        let mut values = parameters.clone();
        for (name, mechanism) in &self.mechanisms {
            let dues = mechanism.renewal_rates(parameters)?.values();
            values.extend(
                MECHANISM_VALUES
                    .iter()
                    .zip(dues)
                    .map(|((field, _), value)| (format!("{name}.{field}"), value)),
            );
        }
        for name in rates.keys() {
            add_rate(rates, name, &mut values, rates.len())?;
        }
        Ok(values)
    }

    /// Whether a name in a formula stands for something: a parameter, a value of a mechanism, or another
    /// rate.
    #[must_use]
    pub fn defines(&self, name: &str) -> bool {
        match name.split_once('.') {
            None => self.parameters.contains_key(name),
            Some((RATES, behaviour)) => self.rates.contains_key(behaviour),
            Some((mechanism, value)) => {
                self.mechanisms.contains_key(mechanism)
                    && MECHANISM_VALUES.iter().any(|(known, _)| *known == value)
            }
        }
    }

    /// Whether every name in the formulas of rates, segments and mechanisms stands for something.
    #[must_use]
    pub fn defines_all_names(&self) -> bool {
        let of_segments = self.segments.values().flat_map(|segment| segment.rates.values());
        let mut rates = self.rates.values().chain(of_segments);
        let mut of_mechanisms = self.mechanisms.values().flat_map(|mechanism| {
            let [lump, pays_at] =
                [&mechanism.lump, &mechanism.pays_at].map(|number| number.formula().names());
            [mechanism.accrues.formula().names(), lump, pays_at]
        });
        rates.all(|rate| rate.formula().names().iter().all(|name| self.defines(name)))
            && of_mechanisms.all(|names| names.iter().all(|name| self.parameters.contains_key(name)))
    }

    /// Every name that a rate may use, but units of time.
    #[must_use]
    pub fn names_of_formulas(&self) -> Vec<String> {
        let mechanisms = self.mechanisms.keys().flat_map(|name| {
            MECHANISM_VALUES
                .iter()
                .map(move |(value, _)| format!("{name}.{value}"))
        });
        self.parameters
            .keys()
            .cloned()
            .chain(mechanisms)
            .chain(self.rates.keys().map(|name| rate_name(name)))
            .collect()
    }

    /// Items that are open per customer in the long run, by mechanism, at given parameters.
    ///
    /// # Errors
    /// [`DataError::Formula`] where a mechanism has no value there.
    pub fn open_items(&self, parameters: &BTreeMap<String, f64>) -> Result<BTreeMap<String, f64>, DataError> {
        self.mechanisms
            .iter()
            .map(|(name, mechanism)| Ok((name.clone(), mechanism.renewal_rates(parameters)?.open_items)))
            .collect()
    }
}

/// Adds a behaviour's rate to the values of formulas, those that it is made of first. A chain of them is
/// never longer than `depth`, unless it comes round to its beginning.
fn add_rate(
    rates: &BTreeMap<String, Rate>,
    name: &str,
    values: &mut BTreeMap<String, f64>,
    depth: usize,
) -> Result<(), DataError> {
    let Some(rate) = rates.get(name).filter(|_| !values.contains_key(&rate_name(name))) else {
        return Ok(());
    };
    let Some(depth) = depth.checked_sub(1) else {
        return Err(DataError::Rate {
            behaviour: name.to_owned(),
            reason: "it is made of itself".to_owned(),
        });
    };
    for used in rate.formula().names() {
        if let Some((RATES, other)) = used.split_once('.') {
            add_rate(rates, other, values, depth)?;
        }
    }
    let per_day = rate.formula().per_day(values).map_err(|error| DataError::Rate {
        behaviour: name.to_owned(),
        reason: error.to_string(),
    })?;
    values.insert(rate_name(name), per_day);
    Ok(())
}

/// How a behaviour's rate is called in formulas.
fn rate_name(behaviour: &str) -> String {
    format!("{RATES}.{behaviour}")
}
