//! Errors of fitting and projecting.

/// An error of a fit or a projection.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// Too few steps can be fitted.
    #[error("a fit needs at least {needed} steps, but {fitted} of {measured} can be used: {reasons}")]
    TooFewSteps {
        /// Steps needed.
        needed: usize,
        /// Steps that can be fitted.
        fitted: usize,
        /// Steps measured.
        measured: usize,
        /// Why the other steps cannot be fitted.
        reasons: String,
    },
    /// Two runs share no behaviour and resource.
    #[error("runs {before} and {after} cannot be compared: no behaviour uses the same resource in both")]
    NothingInCommon {
        /// The older run.
        before: String,
        /// The newer run.
        after: String,
    },
    /// A histogram of a document cannot be read.
    #[error("the histogram of `{behaviour}` in step {step} cannot be read")]
    Histogram {
        /// The behaviour.
        behaviour: String,
        /// Position of the step.
        step: usize,
    },
    /// A study names a price book that was not found.
    #[error(
        "configuration `{config}` names the price book {book}, which was not found; known books: {known}"
    )]
    BookMissing {
        /// The configuration.
        config: String,
        /// The book.
        book: String,
        /// Names of the books that were found.
        known: String,
    },
    /// A study names an instance type that its book does not have.
    #[error("configuration `{config}` names the instance type {sku}, which {book} does not have{offer}")]
    UnknownSku {
        /// The configuration.
        config: String,
        /// The instance type.
        sku: String,
        /// The book.
        book: String,
        /// The nearest name, as a question.
        offer: String,
    },
    /// A configuration needs a meter or a limit that its book does not have.
    #[error("configuration `{config}` needs the {what} {id}, which {book} does not have{offer}")]
    UnknownMeter {
        /// The configuration.
        config: String,
        /// `meter` or `limit`.
        what: &'static str,
        /// Its name.
        id: String,
        /// The book.
        book: String,
        /// The nearest name, as a question.
        offer: String,
    },
    /// Amounts in different currencies would be added.
    #[error(
        "configuration `{config}` is priced in {book}, but the study is in {study}; add [exchange.{book}] \
         with a rate and its date"
    )]
    Currency {
        /// The configuration.
        config: String,
        /// Currency of its book.
        book: String,
        /// Currency of the study.
        study: String,
    },
    /// A commitment cannot be bought for a placement.
    #[error("configuration `{config}` cannot commit to {commitment}: {reason}")]
    NotCovered {
        /// The configuration.
        config: String,
        /// The commitment.
        commitment: String,
        /// Why.
        reason: String,
    },
    /// A configuration runs on spot capacity whose price is not known.
    #[error(
        "configuration `{config}` runs {sku} on spot capacity, for which {book} has no price; state it: spot \
         = {{ share = \"50%\", price = \"0.04\" }}"
    )]
    NoSpotPrice {
        /// The configuration.
        config: String,
        /// The instance type.
        sku: String,
        /// The book.
        book: String,
    },
    /// A configuration cannot carry any load.
    #[error("configuration `{config}`: {reason}")]
    NoCapacity {
        /// The configuration.
        config: String,
        /// Why.
        reason: String,
    },
    /// A meter is paid by a count whose amount is not known for a behaviour.
    #[error(
        "configuration `{config}` pays {meter} by the `{count}` of `{behaviour}`, but no two executions told \
         how much that is"
    )]
    CountUnknown {
        /// The configuration.
        config: String,
        /// The meter.
        meter: String,
        /// The count.
        count: String,
        /// The behaviour.
        behaviour: String,
    },
    /// A meter is paid by a counter that was not measured.
    #[error(
        "configuration `{config}` pays {meter} by the counter `{count}`, which was not read when it was \
         measured"
    )]
    CounterUnmeasured {
        /// The configuration.
        config: String,
        /// The meter.
        meter: String,
        /// The counter.
        count: String,
    },
    /// A configuration places a tier that was not measured.
    #[error("configuration `{config}` places the tier `{tier}`, which was not measured; measured: {known}")]
    UnknownTier {
        /// The configuration.
        config: String,
        /// The tier.
        tier: String,
        /// Measured tiers.
        known: String,
    },
    /// No figure of the projection has the name that was asked for.
    #[error("there is no figure `{figure}`{offer}")]
    UnknownFigure {
        /// The name that was asked for.
        figure: String,
        /// The nearest name, as a question; empty if none is near.
        offer: String,
    },
    /// The study has no configuration of the name that was asked for.
    #[error("the study has no configuration `{config}`{offer}")]
    UnknownConfig {
        /// The name that was asked for.
        config: String,
        /// The nearest name as a question, or all names.
        offer: String,
    },
    /// A growth scenario cannot be projected.
    #[error("growth `{scenario}`: {reason}")]
    Growth {
        /// The scenario.
        scenario: String,
        /// Why.
        reason: String,
    },
    /// The degrees of freedom of a resource are not above 0.
    #[error(
        "the model gives {resource} {found} degrees of freedom, but they must be above 0; fit the \
         measurements again"
    )]
    DegreesOfFreedom {
        /// The resource.
        resource: String,
        /// Degrees of freedom in the model.
        found: f64,
    },
    /// No draw gives a finite number for a figure.
    #[error("no draw gives a finite number for the {what}")]
    NoFiniteDraw {
        /// The figure.
        what: &'static str,
    },
    /// A formula for rates, open items or renewals has no value.
    #[error("a formula of the study cannot be computed")]
    Rates(#[source] nest_data::DataError),
    /// The model has no demand for a behaviour of the study.
    #[error("behaviour `{behaviour}` was never measured; measure the study again")]
    NotMeasured {
        /// The behaviour.
        behaviour: String,
    },
    /// An amount is outside the range of decimals.
    #[error("an amount is too large to be priced: {what}")]
    TooLarge {
        /// The amount or the quantity.
        what: String,
    },
    /// The table could not be written.
    #[error("the table could not be turned into Parquet: {reason}")]
    Table {
        /// The reason that the library gives.
        reason: String,
    },
}
