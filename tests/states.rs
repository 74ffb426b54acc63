//! Demand at a size of stored data that was never measured, forecast from two smaller ones; and memory that
//! leaks.

use std::fs;

use nest_data::{ScalingModel, measurement::ResourceKind, projection::BreakKind};

use crate::support::{
    ShopStudy, assert_balanced, measurements, nest, projection,
    quiet::{Bounds, Forecast, fit, until_usable},
    scaling,
};

/// Demand of the search at a size never measured. The goal is 10 %; without any growth the forecast would be
/// 36 % too low.
const SEARCH: Bounds = Bounds {
    quiet: 0.10,
    disturbed: 0.25,
};

#[test]
fn load_demand_at_five_times_the_stored_items_is_forecast_from_two_smaller_sizes() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let study = ShopStudy::with_behaviours(folder.path(), &["browse", "search"]);
    let overrides = [
        "data={ item = \"stored item\", sizes = [1000, 2000], behaviours = [\"search\"] }",
        "measure.ramp=[0.3, 0.6]",
        "target.state='echo $NEST_SIZE >> ../sizes'",
    ];
    let sizes = folder.path().join("sizes");
    SEARCH.hold(|| {
        nest(
            folder.path(),
            &study.arguments(&["measure"], "--items $NEST_SIZE", &overrides),
        )
        .expect(0);
        let measured = measurements(&study.path);
        assert_balanced(&measured);
        assert_eq!(
            fs::read_to_string(&sizes).expect("the state command ran"),
            "1000\n2000\n"
        );
        fs::remove_file(&sizes).expect("it is there");
        let last = &measured.steps.last().expect("steps").plan;
        assert_eq!(
            (last.label().as_str(), last.stored),
            ("boosted search with 2000", Some(2_000.0))
        );
        fit(&study.path)?;
        // The shop's set demand: 6 ms and 1 ms more for every 1,000 items.
        Some(vec![Forecast::new(
            "search with 5,000 items, s",
            demand_of_search(&scaling(&study.path), 5_000.0),
            0.011,
        )])
    });
}

/// Demand of the search with so many items, in seconds, from a model that says it grows from 1,000 items on.
fn demand_of_search(model: &ScalingModel, items: f64) -> f64 {
    let cpu = model.resources.iter().find(|resource| resource.name == "app/cpu");
    let cpu = cpu.expect("a processor");
    let size = cpu
        .size_dependence
        .as_ref()
        .unwrap_or_else(|| panic!("search grows with the items: {cpu:?}"));
    assert_eq!(size.reference, 1_000.0);
    assert_eq!(size.growth.keys().collect::<Vec<_>>(), ["search"]);
    cpu.demand["search"].value + size.added("search", items)
}

#[test]
fn load_what_each_login_leaves_behind_is_found() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let study = ShopStudy::new(folder.path());
    let overrides = [
        "measure.ramp=[0.3, 0.6]",
        "measure.window=500ms",
        "measure.pilot=300ms",
    ];
    let fitted = until_usable(|| {
        let arguments = study.arguments(&["measure"], "--items 1000 --leak 100000", &overrides);
        nest(folder.path(), &arguments).expect(0);
        fit(&study.path)
    });
    let Some(fitted) = fitted else { return };
    fitted.says("bytes per execution of login");
    let model = scaling(&study.path);
    let leak = model
        .resources
        .iter()
        .find_map(|resource| resource.leak.as_ref())
        .expect("memory grows");
    println!("{leak:?}");
    assert_eq!(leak.behaviour.as_deref(), Some("login"));
    // Pages and what else a session keeps come on top of the 100,000 bytes.
    assert!((80_000.0..130_000.0).contains(&leak.rate.value), "{leak:?}");

    // 1,000 customers who stay as many log in twice a day, on at most one m7i.large: what is left of 90 % of
    // its 8 GiB fills up.
    let per_day = leak.rate.value * 1_000.0 * 2.0;
    let days = (0.9 * 8.0 * 1_073_741_824.0 - resident(&model)) / per_day;
    let growth = "growth={ expected = { start = { date = 2026-12-01, customers = 1000 }, monthly = \"0%\", \
        months = 12 } }";
    let one = ["configs.today.max=1", "configs.today.spare=0", growth];
    nest(
        folder.path(),
        &study.arguments(&["project", "--as-of", "2026-12-01"], "", &one),
    )
    .expect(0);
    let found = projection(&study.path);
    let memory = found
        .configs
        .iter()
        .flat_map(|config| &config.break_points)
        .find(|point| point.kind == BreakKind::Memory)
        .expect("it fills up");
    let date = memory
        .date
        .as_ref()
        .and_then(|date| date.value)
        .expect("within the year");
    let late = f64::from(
        date.since(jiff::civil::date(2026, 12, 1))
            .expect("dates")
            .get_days(),
    ) - days;
    println!("memory is full on {date}, {late:+.1} days beside {days:.1}");
    assert!(late.abs() <= 2.0, "{memory:?}, {days} days"); // whole days, and what the first customers need
}

/// Resident bytes without load.
fn resident(model: &ScalingModel) -> f64 {
    model
        .resources
        .iter()
        .find(|resource| resource.kind == ResourceKind::Memory)
        .expect("it was read")
        .idle
        .value
}

#[test]
fn sizes_that_no_command_uses_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let study = ShopStudy::new(folder.path());
    let sizes = ["data={ item = \"stored item\", sizes = [1000, 2000] }"];
    nest(folder.path(), &study.arguments(&["measure"], "", &sizes))
        .expect(3)
        .says("no command fills the target")
        .says("uses $NEST_SIZE");
    let sizes = ["data={ item = \"stored item\", sizes = [2000, 1000] }"];
    nest(
        folder.path(),
        &study.arguments(&["measure"], "--items $NEST_SIZE", &sizes),
    )
    .expect(3)
    .says("ascending");
}
