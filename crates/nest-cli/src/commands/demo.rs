//! `demo`: measures the embedded shop, writes its report, and compares with what the shop itself counted.
//! With `--sample`, it answers from the committed measurement instead.

mod sample;

use std::{net::SocketAddr, path::Path};

use nest_data::{Estimate, Measurements, ScalingModel, Study, measurement::ResourceKind};
use nest_load::{Event, code::Registry};
use nest_model::ProjectOptions;
use nest_target::{Demands, Ledger, ShopBehaviour};

use crate::{
    args::{DemoArguments, FleetArguments, Format},
    clock,
    command_error::{CommandError, INTERNAL, USAGE},
    commands::{
        fit,
        measure::{self, RunMode, consent},
        project, report,
    },
    files::{Folder, StudyFolder, bounded::TEXT_BYTES, cannot},
    interrupts,
    printer::{data, talk},
    table::{Cell, Column, OutputTable, Shown, Unit},
};

/// The only folder that the demo writes to.
const FOLDER: &str = "locust-nest-demo";
/// Columns of the table.
const COLUMNS: [Column; 6] = [
    Column::new("behaviour", &["behaviour"]),
    Column::new("set", &["set_s"]),
    Column::new("spent", &["spent_s"]),
    Column::new("measured", &["measured_s"]),
    Column::new("90 % interval", &["low", "high"]),
    Column::new("measured / spent", &["error_share"]),
];
/// Stored items of the demo's shop.
const ITEMS: u32 = 2_000;
/// Names and texts of the files of the study in `models/shop`.
const FILES: [(&str, &str); 6] = [
    ("nest.toml", include_str!("../../../../models/shop/nest.toml")),
    (
        "behaviours/login.toml",
        include_str!("../../../../models/shop/behaviours/login.toml"),
    ),
    (
        "behaviours/browse.toml",
        include_str!("../../../../models/shop/behaviours/browse.toml"),
    ),
    (
        "behaviours/search.toml",
        include_str!("../../../../models/shop/behaviours/search.toml"),
    ),
    (
        "behaviours/pay.toml",
        include_str!("../../../../models/shop/behaviours/pay.toml"),
    ),
    (
        "behaviours/receipt.toml",
        include_str!("../../../../models/shop/behaviours/receipt.toml"),
    ),
];

/// The shop's ledger when the plan was ready, and as it was read last.
struct LedgerSpan {
    opened: Ledger,
    latest: Ledger,
}

/// Runs the verb.
pub fn run(arguments: &DemoArguments) -> Result<(), CommandError> {
    if arguments.sample {
        return sample::show();
    }
    write_study()?;
    let (folder, study) = StudyFolder::open(Path::new(FOLDER), &[], &Registry::new())?;
    consent::trust_own(&folder, &study)?;
    let address = free_address()?;
    let start = format!("exec \"$LOCUST_NEST\" shop --listen {address} --items {ITEMS} --cores 0");
    let overrides = [
        ("target.base_url".to_owned(), format!("http://{address}")),
        ("target.start".to_owned(), format!("'''{start}'''")),
    ];
    let (folder, study) = StudyFolder::open(Path::new(FOLDER), &overrides, &Registry::new())?;
    let options = ProjectOptions {
        as_of: clock::today(),
        beyond: false,
    };
    let (measurements, ledgers) = measured(&folder, &study, address)?;
    let model = fit::fit(&folder, &measurements)?;
    let projection = project::project(&folder, &study, &model, &options)?;
    let page = report::report(&folder, &projection)?;
    data(&truth_table(&model, &ledgers)?.render(arguments.format))?;
    talk(
        "(CPU for one execution: the time set in the shop, the time the shop itself counted, and the time \
         that locust-nest measured from outside)",
    );
    let ending = format!(
        "\n{}\n\n{}\n",
        nest_report::verdict(&projection).text(),
        page.display()
    );
    // A program that reads the table gets nothing but the table.
    if arguments.format == Format::Human {
        return data(&ending);
    }
    talk(ending.trim_end());
    Ok(())
}

/// Writes the files of the study, or finds them as an earlier demo wrote them.
fn write_study() -> Result<(), CommandError> {
    let folder = Path::new(FOLDER);
    if folder.is_symlink() {
        let message = format!("{FOLDER} is a link, and the demo writes into a folder of its own");
        return Err(CommandError::new(USAGE, message)
            .hint("remove the link, or run the demo in another folder; nothing was changed"));
    }
    let study = Folder::make(folder).map_err(|error| cannot("open", folder, error))?;
    for (name, text) in FILES {
        if !study.has(name) {
            study
                .write_new(name, text.as_bytes())
                .map_err(|error| cannot("write", &folder.join(name), error))?;
        } else if study.read(name, TEXT_BYTES).ok().as_deref() != Some(text.as_bytes()) {
            let message = format!(
                "{} was changed, and the demo does not write over it",
                folder.join(name).display()
            );
            return Err(CommandError::new(USAGE, message).hint(format!(
                "run the demo in another folder, or remove the folder {FOLDER}"
            )));
        }
    }
    Ok(())
}

/// Measures the shop at `address`, and reads its ledger once the plan is made and after each step.
fn measured(
    folder: &StudyFolder,
    study: &Study,
    address: SocketAddr,
) -> Result<(Measurements, LedgerSpan), CommandError> {
    let interrupt = interrupts::watch()?;
    let mut ledgers: Option<LedgerSpan> = None;
    let mut also = |event: &Event<'_>| match event {
        Event::Planned(..) => {
            ledgers = Ledger::read_from(address).ok().map(|opened| LedgerSpan {
                latest: opened.clone(),
                opened,
            });
        }
        Event::StepFinished(_) => {
            if let (Some(span), Ok(ledger)) = (&mut ledgers, Ledger::read_from(address)) {
                span.latest = ledger;
            }
        }
        _ => {}
    };
    let measurements = measure::measure(
        folder,
        study,
        RunMode::Fresh,
        &FleetArguments::default(),
        &interrupt,
        &mut also,
    )?;
    let ledgers =
        ledgers.ok_or_else(|| CommandError::new(INTERNAL, "the demo shop did not answer with its ledger"))?;
    Ok((measurements, ledgers))
}

/// For each behaviour, the demand that is set in the shop, that the shop spent by its own ledger, and that
/// was measured.
fn truth_table(model: &ScalingModel, ledgers: &LedgerSpan) -> Result<OutputTable, CommandError> {
    let cpu = model
        .resources
        .iter()
        .find(|resource| resource.kind == ResourceKind::Cpu)
        .ok_or_else(|| CommandError::new(INTERNAL, "the fitted model has no processor"))?;
    let spent = ledgers.latest.per_execution_since(&ledgers.opened);
    let mut table = OutputTable::new(&COLUMNS);
    for behaviour in ShopBehaviour::ALL {
        let name = behaviour.name();
        let (Some(spent), Some(measured)) = (spent.get(name), cpu.demand.get(name)) else {
            continue;
        };
        let set = Demands::default().total_s(behaviour, ITEMS);
        table.push(row(name, set, *spent, measured));
    }
    Ok(table)
}

/// The demands of one behaviour, in seconds.
fn row(behaviour: &str, set_s: f64, spent_s: f64, measured: &Estimate) -> Vec<Cell> {
    let (unit, shown) = (Unit::Seconds, Shown::Milliseconds);
    vec![
        Cell::text(behaviour),
        Cell::Number(set_s, unit, shown),
        Cell::Number(spent_s, unit, shown),
        Cell::Number(measured.value, unit, shown),
        Cell::Interval([measured.low, measured.high], unit, shown),
        Cell::Number(measured.value / spent_s - 1.0, Unit::Share, Shown::Change),
    ]
}

/// A loopback address with a port that is free at this moment.
fn free_address() -> Result<SocketAddr, CommandError> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::tests::assert_documented;

    #[test]
    fn programs_get_seconds_and_a_share_where_readers_get_milliseconds_and_percent() {
        let mut table = OutputTable::new(&COLUMNS);
        let measured = Estimate {
            value: 0.01212,
            standard_error: 1e-5,
            low: 0.012,
            high: 0.0122,
        };
        table.push(row("pay", 0.0115, 0.012, &measured));
        let rows = assert_documented(&table, "demo");
        assert_eq!(
            rows[0][..6],
            ["pay", "0.0115", "0.012", "0.01212", "0.012", "0.0122"]
        );
        // 12.12 ms are 1 % more than 12 ms.
        let change: f64 = rows[0][6].parse().expect("a number");
        assert!((change - 0.01).abs() < 1e-12, "{change}");
        let shown = table.render(Format::Human);
        assert!(
            shown.contains("12.00 ms  12.12 ms  12.00 … 12.20 ms") && shown.contains("+1.0 %"),
            "{shown}"
        );
    }
}
