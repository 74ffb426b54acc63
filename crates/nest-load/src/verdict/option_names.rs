//! Names of options in advice.

/// What options are called where a load is described: by a study, or on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OptionNames {
    /// Time for which a step settles.
    pub settle: &'static str,
    /// Most requests per second.
    pub max_rate: &'static str,
}

/// Options of a study.
pub const OF_STUDY: OptionNames = OptionNames {
    settle: "[measure] settle",
    max_rate: "[measure] max_rate",
};

/// Options of a load without a study.
pub const OF_COMMAND: OptionNames = OptionNames {
    settle: "--warm-up",
    max_rate: "--max-rate",
};
