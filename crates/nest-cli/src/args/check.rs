//! Options of `check`.

use std::path::PathBuf;

use clap::Args;
use nest_data::units::Seconds;

use super::{
    Format, ProjectionArguments,
    study::{ConsentArguments, StudyArguments},
};

/// Options of `check`.
#[derive(Debug, Args)]
pub struct CheckArguments {
    #[command(flatten)]
    pub study: StudyArguments,
    #[command(flatten)]
    pub consent: ConsentArguments,
    /// Compare the checked-out commit with this revision of the study's repository
    #[arg(long, value_name = "REVISION")]
    pub base: Option<String>,
    /// Without git: the command that starts the old version; needs --head-start
    #[arg(
        long,
        value_name = "COMMAND",
        conflicts_with = "base",
        requires = "head_start"
    )]
    pub base_start: Option<String>,
    /// Without git: the command that starts the new version; needs --base-start
    #[arg(long, value_name = "COMMAND", requires = "base_start")]
    pub head_start: Option<String>,
    /// Where base does not build, start or answer, measure head alone and price it
    #[arg(long)]
    pub base_broken_ok: bool,
    /// Compare the checked-out version with itself, and save how much this machine's noise makes it differ
    #[arg(long, conflicts_with_all = ["base", "base_start"])]
    pub calibrate: bool,
    /// How long the visits may take; building the versions is not counted
    #[arg(long, value_name = "TIME", default_value = "15m")]
    pub budget: Seconds,
    /// Write the summary for a pull request to this file, as Markdown
    #[arg(long, value_name = "FILE")]
    pub md: Option<PathBuf>,
    /// Write the result to this file as JUnit XML
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Print annotations for GitHub Actions, and append the summary to the file $GITHUB_STEP_SUMMARY names
    #[arg(long)]
    pub github: bool,
    #[command(flatten)]
    pub projection: ProjectionArguments,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}
