//! Checks a study against its price books: what is bought must be what the book sells.

use rust_decimal::Decimal;

use crate::{
    diagnostic::{Diagnostic, offer},
    price_book::{Commitment, CommitmentKind, Confidence, Meter, PriceBook, ProviderLimit, unit::UnitFamily},
    study::{
        Study,
        config::{Config, DetailedUse, Driver, MeterUse, Placement, Platform},
    },
    toml_document::Spans,
    units::QuotedDecimal,
};

/// Everything that a study's configurations ask of their books and that does not fit, at its line. `books`
/// are those that it names and that exist, `names` are the names of all that exist.
#[must_use]
pub fn misfits(study: &Study, books: &[PriceBook], names: &[String]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (name, config) in &study.configs {
        let fit = Fit {
            name,
            config,
            books,
            spans: study.places.spans(),
        };
        found.extend(fit.books(study, names));
        for (index, placement) in config.placements().enumerate() {
            found.extend(fit.placement(index, placement));
        }
        for (key, used) in &config.meters {
            found.extend(fit.meter(key, used));
        }
        found.extend(
            config
                .savings_plans
                .keys()
                .filter_map(|plan| fit.savings_plan(plan)),
        );
    }
    found
}

/// One configuration with its books.
struct Fit<'a> {
    name: &'a str,
    config: &'a Config,
    books: &'a [PriceBook],
    spans: &'a Spans,
}

impl Fit<'_> {
    fn book(&self, name: &str) -> Option<&PriceBook> {
        self.books.iter().find(|book| book.name() == name)
    }

    /// Path of a key of a placement, the main one at 0.
    fn path(&self, index: usize, key: &str) -> Vec<String> {
        let mut path = vec!["configs".to_owned(), self.name.to_owned()];
        if let Some(place) = index.checked_sub(1) {
            path.extend(["place".to_owned(), place.to_string()]);
        }
        path.push(key.to_owned());
        path
    }

    fn at(&self, path: &[String], message: String, help: impl Into<String>) -> Diagnostic {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        self.spans.at_value(&path, message, help)
    }

    /// Books that do not exist, and books in a currency that the study does not convert.
    fn books(&self, study: &Study, names: &[String]) -> Vec<Diagnostic> {
        let places = self.config.placements().enumerate();
        let of_places =
            places.map(|(index, placement)| (self.config.book_of(placement), self.path(index, "book")));
        let meters = self.config.meters.iter().filter_map(|(key, used)| {
            let path = ["configs", self.name, "meters", key, "book"].map(str::to_owned);
            Some((used.book()?, path.to_vec()))
        });
        let mut seen: Vec<&str> = Vec::new();
        let mut found = Vec::new();
        for (book_name, path) in of_places.chain(meters) {
            if seen.contains(&book_name) {
                continue;
            }
            seen.push(book_name);
            found.extend(match self.book(book_name) {
                None => Some(self.at(
                    &path,
                    format!(
                        "configuration `{}` names the price book {book_name}, which does not exist",
                        self.name
                    ),
                    offer_book(book_name, names),
                )),
                Some(book) => self.currency(study, book, &path),
            });
        }
        found
    }

    /// A book in a currency that the study does not convert.
    fn currency(&self, study: &Study, book: &PriceBook, path: &[String]) -> Option<Diagnostic> {
        let (own, other) = (&study.study.currency, &book.currency);
        (own != other && !study.exchange.contains_key(other)).then(|| {
            self.at(
                path,
                format!(
                    "configuration `{}` pays in {other}, the currency of {}, but the study is in {own}",
                    self.name,
                    book.name()
                ),
                format!("add [exchange.{other}] with rate = \"{own} FOR 1 {other}\" and its date"),
            )
        })
    }

    /// What of a placement its book does not sell.
    fn placement(&self, index: usize, placement: &Placement) -> Option<Diagnostic> {
        let book = self.book(self.config.book_of(placement))?;
        match placement.platform {
            Platform::Vm | Platform::Container | Platform::Database => self
                .sku(index, placement, book)
                .or_else(|| self.kind(index, placement, book))
                .or_else(|| self.commitment(index, placement, book)),
            Platform::Task => self.task_size(index, placement, book),
            Platform::Function => self.function_size(index, placement, book),
        }
    }

    /// An instance type that the book does not have, or for which it has no spot price.
    fn sku(&self, index: usize, placement: &Placement, book: &PriceBook) -> Option<Diagnostic> {
        let sku = placement.sku.as_deref()?;
        let mut rows = book.instance.iter().filter(|row| row.sku == sku).peekable();
        if rows.peek().is_none() {
            return Some(self.at(
                &self.path(index, "sku"),
                format!(
                    "configuration `{}` names the instance type {sku}, which {} does not have",
                    self.name,
                    book.name()
                ),
                offer(sku, book.instance.iter().map(|row| &row.sku)),
            ));
        }
        let spot = placement.spot.as_ref().filter(|spot| spot.price.is_none())?;
        (spot.share.get() > 0.0 && rows.all(|row| row.price.spot.is_none())).then(|| {
            self.at(
                &self.path(index, "spot"),
                format!(
                    "configuration `{}` runs {sku} on spot capacity, for which {} has no price",
                    self.name,
                    book.name()
                ),
                format!("add price = \"{} AN HOUR\" to spot", book.currency),
            )
        })
    }

    /// A commitment that the book does not sell.
    fn commitment(&self, index: usize, placement: &Placement, book: &PriceBook) -> Option<Diagnostic> {
        let unknown = placement
            .commitments
            .keys()
            .find(|id| book.commitment(id).is_none())?;
        let mut path = self.path(index, "commitments");
        path.push(unknown.clone());
        let sku = placement.sku.as_deref();
        let of_sku = book
            .commitment
            .iter()
            .filter(|one| one.covers.sku.as_deref() == sku);
        Some(self.at(
            &path,
            format!(
                "configuration `{}` buys the commitment {unknown}, which {} does not have",
                self.name,
                book.name()
            ),
            offer(unknown, of_sku.map(|one| &one.id)),
        ))
    }

    /// A database on a machine, or a machine as a database.
    fn kind(&self, index: usize, placement: &Placement, book: &PriceBook) -> Option<Diagnostic> {
        let sku = placement.sku.as_deref()?;
        let managed = book.is_managed(sku)?;
        if managed == (placement.platform == Platform::Database) {
            return None;
        }
        let (is, platform) = if managed {
            ("a managed service", "database")
        } else {
            ("a machine", "vm")
        };
        Some(self.at(
            &self.path(index, "sku"),
            format!(
                "configuration `{}` runs {sku} as platform \"{}\", but in {} it is {is}",
                self.name,
                placement.platform.label(),
                book.name()
            ),
            format!("write platform = \"{platform}\", or another sku"),
        ))
    }

    /// A task of a size that the host does not sell: limits `HOST.memory_for_N_vcpu.min` and `.max`.
    fn task_size(&self, index: usize, placement: &Placement, book: &PriceBook) -> Option<Diagnostic> {
        let (vcpu, memory) = (placement.vcpu?.0.normalize(), placement.memory_gib?.0);
        let host = placement.host_at(&book.provider);
        let sizes: Vec<(Decimal, [Decimal; 2])> = book.task_sizes(&host);
        if sizes.is_empty() {
            return None;
        }
        let Some((_, [least, most])) = sizes.iter().find(|(size, _)| *size == vcpu) else {
            let known: Vec<String> = sizes.iter().map(|(size, _)| size.to_string()).collect();
            return Some(self.at(
                &self.path(index, "vcpu"),
                format!(
                    "configuration `{}`: {host} has no tasks of {vcpu} vCPU",
                    self.name
                ),
                format!("write one of {}", known.join(", ")),
            ));
        };
        (!(*least..=*most).contains(&memory)).then(|| {
            self.at(
                &self.path(index, "memory_gib"),
                format!(
                    "configuration `{}`: {host} has no tasks of {vcpu} vCPU with {memory} GiB",
                    self.name
                ),
                format!("write a memory_gib from \"{least}\" to \"{most}\", or another vcpu"),
            )
        })
    }

    /// A function of a size that the host does not sell, or without the plan that it needs.
    fn function_size(&self, index: usize, placement: &Placement, book: &PriceBook) -> Option<Diagnostic> {
        let host = placement.host_at(&book.provider);
        let memory = Decimal::from(placement.memory_mb?);
        let limit = |name: &str| book.limit(&format!("{host}.{name}")).map(|limit| limit.value.0);
        let (least, most) = (limit("memory_min"), limit("memory_max"));
        if least.is_some_and(|least| memory < least) || most.is_some_and(|most| most < memory) {
            let range = match (least, most) {
                (Some(least), Some(most)) => format!("from {least} to {most}"),
                (Some(least), None) => format!("of at least {least}"),
                (None, most) => format!("of at most {}", most.unwrap_or_default()),
            };
            return Some(self.at(
                &self.path(index, "memory_mb"),
                format!(
                    "configuration `{}`: {host} has no functions of {memory} MB",
                    self.name
                ),
                format!("write a memory_mb {range}"),
            ));
        }
        let plans = book.plan.iter().filter(|plan| plan.id.starts_with(&host));
        let plans: Vec<&str> = plans.map(|plan| plan.id.as_str()).collect();
        (placement.plan.is_none() && !plans.is_empty()).then(|| {
            self.at(
                &self.path(index, "platform"),
                format!(
                    "configuration `{}` runs functions on {host} without a plan, but its prices are those \
                     beyond a plan's",
                    self.name
                ),
                format!("add plan = \"{}\"", plans[0]),
            )
        })
    }

    /// A savings plan that the book does not sell, or that covers nothing that the configuration runs.
    fn savings_plan(&self, id: &str) -> Option<Diagnostic> {
        let book = self.book(&self.config.main.book)?;
        let path = ["configs", self.name, "savings_plans", id].map(str::to_owned);
        let is_plan = |commitment: &&Commitment| commitment.kind == CommitmentKind::SavingsPlan;
        let Some(plan) = book.commitment(id).filter(|commitment| is_plan(commitment)) else {
            let known = book
                .commitment
                .iter()
                .filter(is_plan)
                .map(|commitment| &commitment.id);
            return Some(self.at(
                &path,
                format!(
                    "configuration `{}` buys the savings plan {id}, which {} does not have",
                    self.name,
                    book.name()
                ),
                offer(id, known),
            ));
        };
        let covers = |placement: &Placement| {
            let sku = placement.sku.as_deref();
            let host = placement.host_at(&book.provider);
            self.config.book_of(placement) == book.name()
                && plan.rates.keys().any(|name| {
                    let metered = matches!(placement.platform, Platform::Function | Platform::Task);
                    Some(name.as_str()) == sku || metered && name.starts_with(&format!("{host}."))
                })
        };
        (!self.config.placements().any(covers)).then(|| {
            self.at(
                &path,
                format!(
                    "configuration `{}` buys the savings plan {id}, which has no rate for anything that it \
                     runs",
                    self.name
                ),
                format!(
                    "remove it; it covers {}",
                    plan.rates.keys().cloned().collect::<Vec<_>>().join(", ")
                ),
            )
        })
    }

    /// What of a stated meter does not fit.
    fn meter(&self, key: &str, used: &MeterUse) -> Option<Diagnostic> {
        let path = ["configs", self.name, "meters", key].map(str::to_owned);
        let detailed = match used {
            MeterUse::Driver(_) => None,
            MeterUse::Detailed(detailed) => Some(detailed),
        };
        let book = self.book(used.book().unwrap_or(&self.config.main.book))?;
        let id = used.meter().unwrap_or(key);
        let Some(meter) = book.meter.iter().find(|meter| meter.id == id) else {
            return Some(self.at(
                &path,
                format!(
                    "configuration `{}` pays for {id}, which {} does not have",
                    self.name,
                    book.name()
                ),
                format!(
                    "{}; to pay a meter under a name of your own, add meter = \"NAME IN THE BOOK\"; for a \
                     meter of another book, add book = \"PROVIDER/REGION\"",
                    offer(id, book.meter.iter().map(|meter| &meter.id))
                ),
            ));
        };
        let driver = used.driver();
        if let Some(placement) = self.paying_placement(meter, book) {
            return Some(self.at(
                &path,
                format!(
                    "configuration `{}` pays for {id} twice: its {} pays for it already",
                    self.name,
                    placement.platform.label()
                ),
                "remove the meter",
            ));
        }
        let chooses = detailed.is_some_and(|detailed| !detailed.behaviours.is_empty());
        if chooses && !driver.is_by_behaviour() {
            return Some(self.at(
                &path,
                format!(
                    "configuration `{}`: `behaviours` of {id} choose nothing, because {} are the same for \
                     all of them",
                    self.name,
                    driver.label()
                ),
                "remove behaviours, or write driver = \"requests\", \"executions\", \"counts\", \
                 \"bytes_sent\" or \"largest\"",
            ));
        }
        let stated = detailed.is_some_and(DetailedUse::states_times);
        (!fits(driver, meter.unit_family(), stated)).then(|| {
            self.at(
                &path,
                format!(
                    "configuration `{}` counts {id} by `{}`, but the unit of {id} is {} ({})",
                    self.name,
                    driver.key(),
                    meter.unit,
                    meter.unit_family().label()
                ),
                advice(driver, meter),
            )
        })
    }

    /// The placement that pays a meter by its nature.
    fn paying_placement(&self, meter: &Meter, book: &PriceBook) -> Option<&Placement> {
        let pays = |placement: &&Placement| {
            let own = self.config.book_of(placement) == book.name();
            let host = placement.host_at(&book.provider);
            let Some(rest) = meter
                .id
                .strip_prefix(&host)
                .and_then(|rest| rest.strip_prefix('.'))
            else {
                return false;
            };
            let first = rest.split('.').next().unwrap_or_default();
            own && match placement.platform {
                Platform::Function => matches!(first, "requests" | "duration" | "cpu" | "memory"),
                Platform::Task => matches!(first, "vcpu" | "memory"),
                Platform::Vm | Platform::Container | Platform::Database => false,
            }
        };
        self.config.placements().find(pays)
    }
}

/// The book that differs by one letter, those of the same provider, or how to see all.
fn offer_book(written: &str, names: &[String]) -> String {
    let slip = |name: &&String| strsim::damerau_levenshtein(written, name) == 1;
    if let Some(near) = names.iter().find(slip) {
        return format!("did you mean `{near}`?");
    }
    let provider = written.split('/').next().unwrap_or_default();
    let of_provider: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .filter(|name| name.split('/').next() == Some(provider))
        .collect();
    if of_provider.is_empty() {
        "run `locust-nest pricing list` to see all books".to_owned()
    } else {
        format!("use one of: {}", of_provider.join(", "))
    }
}

/// Whether a driver counts what a unit is, or how much of it there is for each is stated.
fn fits(driver: Driver, family: UnitFamily, stated: bool) -> bool {
    match (driver, family) {
        (Driver::Fixed, _) | (Driver::Largest, UnitFamily::Capacity) => true,
        (_, UnitFamily::Capacity) | (Driver::Largest, _) => false,
        (Driver::BytesSent, family) => family == UnitFamily::Bytes,
        (Driver::Hours | Driver::Instances, UnitFamily::Time) => true,
        (Driver::Hours | Driver::Instances, UnitFamily::OverTime) => true,
        (Driver::Hours, _) => false,
        (Driver::Instances, _) => stated,
        (_, UnitFamily::Count) => true,
        (Driver::Requests | Driver::Executions | Driver::Counts | Driver::Stored | Driver::Customers, _) => {
            stated
        }
    }
}

/// What to write instead.
fn advice(driver: Driver, meter: &Meter) -> String {
    match meter.unit_family() {
        UnitFamily::Capacity => {
            "write \"largest\", or { driver = \"fixed\", times = UNITS_A_MONTH }".to_owned()
        }
        UnitFamily::Bytes => "write \"bytes_sent\"".to_owned(),
        UnitFamily::Time => "write \"hours\" or \"instances\"".to_owned(),
        UnitFamily::Count if driver == Driver::BytesSent => {
            "write \"requests\" or \"executions\"; units of bytes are called GB and GiB".to_owned()
        }
        family if matches!(driver, Driver::Largest | Driver::BytesSent) && family == UnitFamily::OverTime => {
            format!(
                "write {{ driver = \"fixed\", times = NUMBER }}, with the {} of a month",
                meter.unit
            )
        }
        _ => format!(
            "state how much: {{ driver = \"{}\", times = NUMBER }}, with the {} for each",
            driver.key(),
            meter.unit
        ),
    }
}

impl PriceBook {
    /// Whether a type is a managed service, such as a database, and no machine; `None` if its name does not
    /// tell.
    fn is_managed(&self, sku: &str) -> Option<bool> {
        let by_name = |sku: &str| {
            ["db.", "db-", "cache."]
                .iter()
                .any(|prefix| sku.starts_with(prefix))
        };
        let listed = self.instance.iter().find(|instance| instance.sku == sku)?;
        let own = self.source.get(&listed.source)?.confidence == Confidence::User;
        let tells = self.instance.iter().any(|instance| by_name(&instance.sku));
        (by_name(sku) || tells && !own).then(|| by_name(sku))
    }

    /// Sizes of tasks that a host sells: virtual CPUs, and the least and the most memory in GiB.
    fn task_sizes(&self, host: &str) -> Vec<(Decimal, [Decimal; 2])> {
        let prefix = format!("{host}.memory_for_");
        let size = |limit: &ProviderLimit| {
            let vcpu = limit.id.strip_prefix(&prefix)?.strip_suffix("_vcpu.min")?;
            let most = self.limit(&format!("{prefix}{vcpu}_vcpu.max"))?.value;
            let QuotedDecimal(vcpu) = vcpu.parse().ok()?;
            Some((vcpu.normalize(), [limit.value.0, most.0]))
        };
        self.limit.iter().filter_map(size).collect()
    }
}
