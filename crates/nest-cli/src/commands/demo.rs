//! `demo`: measures the embedded shop, writes its report, and compares with what the shop itself counted.

use std::{net::SocketAddr, path::Path};

use nest_data::{Measurements, ScalingModel, Study, measurement::ResourceKind};
use nest_load::{Event, code::Registry};
use nest_model::ProjectOptions;
use nest_target::{Demands, Ledger, ShopBehaviour};

use crate::{
    args::{DemoArguments, Format},
    clock,
    command_error::{CommandError, INTERNAL},
    commands::{
        fit,
        measure::{self, RunMode},
        project, report,
    },
    files::{StudyFolder, write},
    interrupts,
    printer::{OutputTable, data, talk},
};

/// The only folder that the demo writes to.
const FOLDER: &str = "locust-nest-demo";
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
    for (name, text) in FILES {
        write(&Path::new(FOLDER).join(name), text.as_bytes())?;
    }
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
    let ending = format!("\n{}\n\n{}\n", nest_report::sentence(&projection), page.display());
    // A program that reads the table gets nothing but the table.
    if arguments.format == Format::Human {
        return data(&ending);
    }
    talk(ending.trim_end());
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
    let measurements = measure::measure(folder, study, RunMode::Fresh, &interrupt, &mut also)?;
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
    let mut table = OutputTable::new(&[
        "behaviour",
        "set",
        "spent",
        "measured",
        "90 % interval",
        "measured / spent",
    ]);
    for behaviour in ShopBehaviour::ALL {
        let name = behaviour.name();
        let (Some(spent), Some(measured)) = (spent.get(name), cpu.demand.get(name)) else {
            continue;
        };
        let set = Demands::default().total_s(behaviour, ITEMS);
        let milliseconds = |seconds: f64| format!("{:.2} ms", seconds * 1e3);
        let interval = format!("{:.2} … {:.2} ms", measured.low * 1e3, measured.high * 1e3);
        let ratio = format!("{:+.1} %", (measured.value / spent - 1.0) * 100.0);
        table.rows.push(vec![
            name.to_owned(),
            milliseconds(set),
            milliseconds(*spent),
            milliseconds(measured.value),
            interval,
            ratio,
        ]);
    }
    Ok(table)
}

/// A loopback address with a port that is free at this moment.
fn free_address() -> Result<SocketAddr, CommandError> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
