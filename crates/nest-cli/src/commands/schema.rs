//! `schema`: prints the JSON Schema of the files that people write.

use nest_data::{BehaviourSpec, PriceBook, Study};
use schemars::Schema;

use crate::{
    args::{SchemaArguments, SchemaOf},
    command_error::CommandError,
    printer::data,
};

/// Runs the verb.
pub fn run(arguments: &SchemaArguments) -> Result<(), CommandError> {
    data(&text(arguments.of)?)
}

/// A schema as text.
pub fn text(of: SchemaOf) -> Result<String, CommandError> {
    let schema: Schema = match of {
        SchemaOf::Study => schemars::schema_for!(Study),
        SchemaOf::Behaviour => schemars::schema_for!(BehaviourSpec),
        SchemaOf::PriceBook => schemars::schema_for!(PriceBook),
    };
    Ok(serde_json::to_string_pretty(&schema).map_err(std::io::Error::from)? + "\n")
}
