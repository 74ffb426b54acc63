//! The models, as their list in JSON has them.

use nest_model::queueing::ClassForecast;
use serde_json::Value;

/// A class of customers: closed with `customers` and `think_s`, open with `rate_per_s`.
#[derive(Debug, Clone, PartialEq)]
pub struct Class {
    /// Customers, 0 if the class is open.
    pub customers: u32,
    /// Mean think time in seconds.
    pub think_s: f64,
    /// Executions per second, 0 if the class is closed.
    pub rate_per_s: f64,
    /// Seconds per execution at each station. A layered model has the processor of the application, that of
    /// the database, and remote work that does not queue.
    pub demand_s: Vec<f64>,
}

/// A system of stations.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// What it is called.
    pub name: String,
    /// `closed`, `open`, `in turn` (open, first come first served) or `layered`.
    pub kind: String,
    /// Servers of each station.
    pub servers: Vec<f64>,
    /// Threads of the application, each held from start to end; 0 for no limit.
    pub threads: u32,
    /// Connections, each held for the database and the remote work; 0 for no limit.
    pub connections: u32,
    /// Its classes.
    pub classes: Vec<Class>,
}

/// What a method says of every class, in their order.
pub struct Forecast {
    /// Its name.
    pub method: &'static str,
    /// One per class.
    pub classes: Vec<ClassForecast>,
}

/// The models of a list.
///
/// # Errors
/// If it is no JSON, or a model lacks its stations or classes.
pub fn read(text: &str) -> Result<Vec<Model>, String> {
    let list: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let models = list.as_array().ok_or("no list of models")?;
    models
        .iter()
        .map(|one| model(one).ok_or_else(|| format!("not a model: {one}")))
        .collect()
}

fn model(value: &Value) -> Option<Model> {
    Some(Model {
        name: value["name"].as_str()?.to_owned(),
        kind: value["kind"].as_str()?.to_owned(),
        servers: numbers(&value["servers"])?,
        threads: count(&value["threads"]),
        connections: count(&value["connections"]),
        classes: value["classes"]
            .as_array()?
            .iter()
            .map(class)
            .collect::<Option<_>>()?,
    })
}

fn class(value: &Value) -> Option<Class> {
    Some(Class {
        customers: count(&value["customers"]),
        think_s: value["think_s"].as_f64().unwrap_or(0.0),
        rate_per_s: value["rate_per_s"].as_f64().unwrap_or(0.0),
        demand_s: numbers(&value["demand_s"])?,
    })
}

fn numbers(value: &Value) -> Option<Vec<f64>> {
    value.as_array()?.iter().map(Value::as_f64).collect()
}

fn count(value: &Value) -> u32 {
    value.as_u64().map_or(0, |count| count as u32)
}
