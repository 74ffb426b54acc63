//! What must hold of every conclusion, on studies made at random. `bench/run decisions` tries ten thousand.

use nest_data::{
    Projection,
    projection::{BreakPoint, ConfigTotal, LimitNature, MoneyEstimate},
};

use super::*;

/// Studies that are tried unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 24;

fn cases() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|text| text.parse().ok());
    ProptestConfig {
        cases: asked.unwrap_or(CASES),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// A study made at random: two configurations, growth with or without an event, with or without a budget.
#[derive(Debug, Clone)]
struct RandomStudy {
    text: String,
    draws: u32,
}

fn random_study() -> impl Strategy<Value = RandomStudy> {
    let fleet = (1_u32..6, 0_u32..3, 5_u32..60, prop::option::of(1_u32..40));
    let growth = (-2_i32..12, 0_i32..6, 3_u32..40, 10_000_u32..400_000);
    let event = prop::option::of((1_u32..3, -40_i32..120));
    let budget = prop::option::of((100_u32..20_000, prop::bool::ANY));
    let migration = prop::option::of((0_u32..20_000, 0_u32..20_000));
    (fleet, growth, event, budget, migration).prop_map(|(fleet, growth, event, budget, migration)| {
        let (max, spare, reserve, other_max) = fleet;
        let (monthly, spread, months, customers) = growth;
        let mut text = STUDY
            .edit("customers = 100_000", &format!("customers = {customers}"))
            .edit("monthly = \"3%\"", &format!("monthly = \"{monthly}%\""))
            .edit(
                "range = [\"1%\", \"5%\"]",
                &format!("range = [\"{}%\", \"{}%\"]", monthly - spread, monthly + spread),
            )
            .edit("months = 12", &format!("months = {months}"))
            .edit(
                "min = 1\nspare = 1\nreserve = \"40%\"",
                &format!("min = 1\nmax = {max}\nspare = {spare}\nreserve = \"{reserve}%\""),
            );
        if let Some((month, percent)) = event {
            let line =
                format!("events = [{{ date = 2027-0{month}-15, customers = \"{percent:+}%\" }}]\n[report]");
            text = text.edit("[report]", &line);
        }
        if let Some((amount, monthly)) = budget {
            let key = if monthly { "monthly" } else { "per_1000" };
            let amount = if monthly { amount } else { amount / 100 + 1 };
            text = text.edit("[report]", &format!("[budget]\n{key} = \"{amount}\"\n[report]"));
        }
        let mut moved = MOVED.to_owned();
        if let Some(max) = other_max {
            moved = moved.edit(
                "sku = \"two-cores\"\nspare",
                &format!("sku = \"two-cores\"\nmax = {max}\nspare"),
            );
        }
        if let Some((amount, more)) = migration {
            let range = format!(
                "{{ amount = \"{amount}\", range = [\"{amount}\", \"{}\"] }}",
                amount + more
            );
            moved = moved.edit("{ amount = \"100\" }", &range);
        }
        RandomStudy {
            text: text + &moved,
            draws: 60,
        }
    })
}

impl RandomStudy {
    fn without_migration(self) -> Self {
        let text = self.text.edit("migration = { amount", "# migration = { amount");
        Self { text, ..self }
    }

    fn projected(&self) -> Projection {
        self.projected_at("", &[])
    }

    fn projected_at(&self, more: &str, overrides: &[(String, String)]) -> Projection {
        let study = study_with(&self.text, overrides);
        let mut model = model(&study);
        model.draws.count = self.draws;
        project(&model, &study, &[book(more)], &options()).unwrap_or_else(|error| panic!("{error}"))
    }
}

fn points(projection: &Projection) -> impl Iterator<Item = &BreakPoint> {
    projection.configs.iter().flat_map(|config| &config.break_points)
}

fn amounts(projection: &Projection) -> Vec<MoneyEstimate> {
    let mut found = Vec::new();
    for config in &projection.configs {
        found.extend([config.bill.total, config.bill.per_1000]);
        found.extend(
            config
                .months
                .iter()
                .flat_map(|month| [month.cost, month.per_1000]),
        );
    }
    let comparison = projection.comparison.iter().flat_map(|one| &one.totals);
    found.extend(comparison.flat_map(|total| [total.total, total.change]));
    found
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn chances_rise_with_months_and_no_limit_lies_beyond_the_search(random in random_study()) {
        let projection = random.projected();
        let searched_to = projection.headline.as_ref().expect("configured").searched_to;
        prop_assert!(searched_to >= 4.0 * projection.model.tested_customers * (1.0 - 1e-12));
        for point in points(&projection) {
            let chances: Vec<f64> = point.chance_by_month.iter().map(|(_, chance)| *chance).collect();
            prop_assert!(chances.is_sorted(), "{chances:?}");
            prop_assert_eq!(chances.last().copied(), Some(point.reached));
            if let Some(customers) = &point.customers {
                prop_assert!(customers.value <= searched_to && customers.high <= searched_to);
                prop_assert!(customers.low <= customers.high);
            }
        }
        for config in &projection.configs {
            prop_assert!(config.lasts <= config.lasts_with_levers);
            let likeliest = config.break_points.iter().filter(|point| point.kind.is_failure());
            let likeliest = likeliest.map(|point| point.reached).fold(0.0, f64::max);
            prop_assert!(1.0 - config.lasts >= likeliest - 1e-9);
        }
    }

    #[test]
    fn a_value_outside_its_interval_carries_the_mean_and_no_other_does(random in random_study()) {
        for amount in amounts(&random.projected()) {
            let value = amount.value.0.to_f64().expect("a number");
            let slack = 1e-6 * value.abs().max(amount.high.abs());
            if value < amount.low - slack || value > amount.high + slack {
                prop_assert!(amount.mean.is_some(), "{amount:?}");
            } else if value > amount.low + slack && value < amount.high - slack {
                prop_assert!(amount.mean.is_none(), "{amount:?}");
            }
        }
    }

    #[test]
    fn shares_are_shares_of_all_draws(random in random_study()) {
        let projection = random.projected();
        let totals = &projection.comparison.as_ref().expect("two configurations").totals;
        let sum = |share: fn(&ConfigTotal) -> f64| totals.iter().map(share).sum::<f64>();
        prop_assert!((sum(|total| total.cheapest_of_all) - 1.0).abs() < 1e-9);
        prop_assert!(sum(|total| total.cheapest_of_lasting) <= 1.0 + 1e-9);
        for (total, config) in totals.iter().zip(&projection.configs) {
            prop_assert!(total.cheapest_of_lasting <= config.lasts + 1e-9);
        }
    }

    #[test]
    fn pulling_a_lever_brings_no_limit_nearer(random in random_study()) {
        let before = random.projected();
        for lever in &before.levers {
            let to = if lever.key.starts_with("budget") {
                format!("\"{}\"", lever.to)
            } else {
                lever.to.to_string()
            };
            let after = random.projected_at("", &[(lever.key.clone(), to)]);
            let of = |projection: &Projection| config(projection, &lever.config).break_points.clone();
            for point in of(&before).iter().filter(|point| point.kind.is_failure()) {
                // A budget's text holds its amount.
                let same = |other: &&BreakPoint| {
                    other.kind == point.kind
                        && (other.cause == point.cause || point.kind == BreakKind::Budget)
                };
                let now = of(&after).iter().find(same).and_then(|point| point.customers);
                if let (Some(then), Some(now)) = (point.customers, now) {
                    prop_assert!(now.value >= then.value * (1.0 - 1e-6), "{lever:?}: {point:?}");
                }
            }
        }
    }

    #[test]
    fn equal_configurations_are_not_told_apart(random in random_study()) {
        let moved = random.clone().without_migration();
        let start = moved.text.find("[configs.moved]").expect("it is there");
        let twin_text = moved.text[start..].replace("configs.moved", "configs.twin");
        let both = RandomStudy { text: format!("{}\n{twin_text}", moved.text), ..random };
        let projection = both.projected();
        let totals = &projection.comparison.as_ref().expect("three configurations").totals;
        let (one, other) = (&totals[1], &totals[2]);
        prop_assert_eq!((one.config.as_str(), other.config.as_str()), ("moved", "twin"));
        prop_assert_eq!(&one.total, &other.total);
        prop_assert_eq!(one.cheapest_of_all, other.cheapest_of_all);
        prop_assert_eq!(one.cheapest_of_lasting, other.cheapest_of_lasting);
        prop_assert_eq!(&one.why_not, &other.why_not);
    }

    #[test]
    fn twice_the_price_is_twice_the_cost_and_moves_no_date_but_a_budget_s(random in random_study()) {
        let plain = random.without_migration();
        let before = plain.projected();
        let study = study_with(&plain.text, &[]);
        let mut model = model(&study);
        model.draws.count = plain.draws;
        let dear = PriceBook::read(&Source::new("book", twice_as_dear(BOOK))).expect("a book");
        let after = project(&model, &study, &[dear], &options()).expect("a projection");
        for (one, other) in before.configs.iter().zip(&after.configs) {
            prop_assert!(is_twice(other.bill.total.value.0, one.bill.total.value.0));
            for (month, dearer) in one.months.iter().zip(&other.months) {
                prop_assert!(is_twice(dearer.cost.value.0, month.cost.value.0));
            }
            let others = |config: &ConfigProjection| -> Vec<BreakPoint> {
                let points = config.break_points.iter().filter(|point| point.kind != BreakKind::Budget);
                points.map(|point| BreakPoint { probability: 0.0, ..point.clone() }).collect()
            };
            prop_assert_eq!(others(one), others(other));
        }
    }
}

/// Whether an amount is twice another, but for the twelfth decimal of each of its lines.
fn is_twice(amount: Decimal, half: Decimal) -> bool {
    (amount - half * Decimal::TWO).abs() < Decimal::new(1, 9)
}

/// Every price of a book doubled.
fn twice_as_dear(book: &str) -> String {
    let mut text = String::new();
    for line in book.lines() {
        let mut line = line.to_owned();
        for key in ["on_demand = \"", "amount = \"", "upfront = \"", "recurring = \""] {
            if let Some(at) = line.find(key).map(|at| at + key.len()) {
                let end = at + line[at..].find('"').expect("quoted");
                let price: Decimal = line[at..end].parse().expect("a price");
                line.replace_range(at..end, &(price * Decimal::TWO).to_string());
            }
        }
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// A shop that may have two servers and one that may have four: the same costs, the same advice. The first
/// names the lever, and a server's price is that of the book: 0.0832 x 730.
#[test]
fn the_user_s_own_max_changes_no_ranking_and_is_a_lever() {
    let base = STUDY
        .edit("monthly = \"3%\"", "monthly = \"9%\"")
        .edit("range = [\"1%\", \"5%\"]", "range = [\"7%\", \"11%\"]")
        + MOVED;
    let with_max =
        |max: u32| projected(&base.edit("min = 1\nspare = 1", &format!("min = 1\nmax = {max}\nspare = 1")));
    let (few, many) = (with_max(2), with_max(400));
    let of = |projection: &Projection| projection.comparison.clone().expect("two configurations");
    let (of_few, of_many) = (of(&few), of(&many));
    assert_eq!(of_few.recommended, of_many.recommended);
    for (one, other) in of_few.totals.iter().zip(&of_many.totals) {
        assert_eq!((&one.total, &one.change), (&other.total, &other.change));
        assert_eq!(one.cheapest_of_all, other.cheapest_of_all);
        assert_eq!(one.cheapest_with_levers, other.cheapest_with_levers);
    }
    let lever = few
        .levers
        .iter()
        .find(|lever| lever.key == "configs.monolith.max");
    let lever = lever.expect("two servers are too few");
    assert_eq!(
        lever.unit_month.map(|price| price.0.to_string()),
        Some("60.736".to_owned())
    );
    assert!(
        lever.from == 2.0 && lever.to > 2.0 && lever.chance[0] > 0.5,
        "{lever:?}"
    );
    assert!(lever.chance[1] <= 0.05 + 1e-9, "{lever:?}");
    assert!(
        !many
            .levers
            .iter()
            .any(|lever| lever.key == "configs.monolith.max")
    );
    // The limit itself is a choice, and the database's is not.
    let monolith = config(&few, "monolith");
    let nature = |kind: BreakKind, cause: &str| {
        let mut points = monolith.break_points.iter();
        points
            .find(|point| point.kind == kind && point.cause == cause)
            .map(|point| point.nature)
    };
    assert_eq!(
        nature(BreakKind::Saturation, "app/cpu"),
        Some(LimitNature::Choice)
    );
    assert_eq!(nature(BreakKind::Saturation, "db/cpu"), Some(LimitNature::Hard));
    assert_eq!(
        nature(BreakKind::OverReserve, "db/cpu"),
        Some(LimitNature::Choice)
    );
}

/// Where customers grow, how far is looked is a matter of their growth alone.
#[test]
fn looking_beyond_changes_nothing_where_customers_grow() {
    let study = study(&format!("{STUDY}{MOVED}"));
    let model = model(&study);
    let at = |beyond| {
        let options = ProjectOptions { beyond, ..options() };
        project(&model, &study, &[book("")], &options).expect("a projection")
    };
    assert_eq!(at(false), at(true));
}

/// Worked out by hand: 100,000 customers grow by exactly 3 % a month, so 120,000 are reached in month
/// ln 1.2 / ln 1.03 = 6.17. A limit that is known exactly is reached by nobody before and by all from then
/// on.
#[test]
fn the_chance_of_an_exact_limit_jumps_from_none_to_all_in_its_month() {
    let text = STUDY
        .edit("range = [\"1%\", \"5%\"]\n", "")
        .edit("[report]", "[budget]\nmonthly = \"100000\"\n[report]");
    let exact = |model: &mut ScalingModel| {
        for resource in &mut model.resources {
            resource
                .covariance
                .iter_mut()
                .flatten()
                .for_each(|cell| *cell = 0.0);
            resource.idle = Estimate::exact(0.0);
            for (_, demand) in resource.demand.iter_mut() {
                *demand = Estimate::exact(demand.value);
            }
        }
    };
    // db: (20 x .004 + 2 x .01 + .3 x .02) s a day x 0.12 x 1.5 / 3600 = 5.3e-6 cores per customer at the
    // peak
    let per_customer = (20.0 * 0.004 + 2.0 * 0.01 + 0.3 * 0.02) * 0.12 * 1.5 / 3_600.0;
    let reserve = 1.0 - 120_000.0 * per_customer / 2.0;
    let text = text.edit(
        "tier = \"db\"\nsku = \"db.two-cores\"\n",
        &format!("tier = \"db\"\nsku = \"db.two-cores\"\nreserve = {reserve}\n"),
    );
    let projection = projected_with(&text, "", exact);
    let monolith = config(&projection, "monolith");
    let mut points = monolith.break_points.iter();
    let point = points
        .find(|point| point.kind == BreakKind::OverReserve && point.cause == "db/cpu")
        .expect("the database has a reserve");
    assert!(
        (point.customers.expect("found").value - 120_000.0).abs() < 1.0,
        "{point:?}"
    );
    let chances: Vec<f64> = point.chance_by_month.iter().map(|(_, chance)| *chance).collect();
    assert_eq!(chances.len(), 13);
    assert!(chances[..7].iter().all(|chance| *chance == 0.0), "{chances:?}");
    assert!(chances[7..].iter().all(|chance| *chance == 1.0), "{chances:?}");
    let date = point.date.and_then(|date| date.value).expect("it is reached");
    assert_eq!((date.year(), date.month()), (2027, 7));
    let breaks = projection.comparison.is_none() && monolith.lasts == 0.0;
    assert!(breaks, "one configuration, which fails in every draw");
}
