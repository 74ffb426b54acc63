//! `demo`: the whole walk on the embedded shop, checked against what the shop itself knows.

use std::{net::SocketAddr, path::Path};

use nest_data::{ScalingModel, measurement::ResourceKind};
use nest_load::Event;
use nest_target::{Behaviour, Demands, Ledger};

use crate::{
    args::{DemoArguments, Format, ProjectionArguments},
    commands::{fit, measure, project, report},
    failure::{Failure, INTERNAL},
    files::{StudyFolder, write},
    interrupts,
    printer::{Table, data, talk},
};

/// The only folder that the demo writes to.
const FOLDER: &str = "locust-nest-demo";
/// Stored items of the demo's shop.
const ITEMS: u32 = 2_000;
/// The study, as it lies in `models/shop`.
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

/// Runs the verb.
pub fn run(arguments: &DemoArguments) -> Result<(), Failure> {
    for (name, text) in FILES {
        write(&Path::new(FOLDER).join(name), text.as_bytes())?;
    }
    let folder = StudyFolder::new(Path::new(FOLDER))?;
    let address = free_address()?;
    let start = format!("exec \"$LOCUST_NEST\" shop --listen {address} --items {ITEMS} --cores 0");
    let study = folder.study(&[
        ("target.base_url".to_owned(), format!("http://{address}")),
        ("target.start".to_owned(), format!("'''{start}'''")),
    ])?;
    let interrupt = interrupts::watch()?;
    let mut ledgers: Option<(Ledger, Ledger)> = None;
    let mut also = |event: &Event<'_>| match event {
        Event::Planned(..) => {
            ledgers = Ledger::read_from(address)
                .ok()
                .map(|opened| (opened.clone(), opened))
        }
        Event::StepFinished(_) => {
            if let (Some((_, latest)), Ok(ledger)) = (&mut ledgers, Ledger::read_from(address)) {
                *latest = ledger;
            }
        }
        _ => {}
    };
    let measurements = measure::measure(&folder, &study, measure::Mode::Fresh, &interrupt, &mut also)?;
    let model = fit::fit(&folder, &measurements)?;
    let projection = project::project(
        &folder,
        &study,
        &model,
        &ProjectionArguments {
            as_of: None,
            beyond: false,
        },
    )?;
    let page = report::report(&folder, &projection)?;
    let (opened, closed) =
        ledgers.ok_or_else(|| Failure::new(INTERNAL, "the demo shop did not show its ledger"))?;
    data(&truth_table(&model, &closed, &opened)?.render(arguments.format))?;
    talk(
        "(CPU per execution: what the shop was told to spend, what its own ledger says it spent, what was measured from outside)",
    );
    let ending = format!("\n{}\n\n{}\n", nest_report::sentence(&projection), page.display());
    // A program that reads the table gets nothing but the table.
    if arguments.format == Format::Human {
        return data(&ending);
    }
    talk(ending.trim_end());
    Ok(())
}

/// Demand set in the shop, spent by its ledger, measured.
fn truth_table(model: &ScalingModel, closed: &Ledger, opened: &Ledger) -> Result<Table, Failure> {
    let cpu = model
        .resources
        .iter()
        .find(|resource| resource.kind == ResourceKind::Cpu)
        .ok_or_else(|| Failure::new(INTERNAL, "no processor was fitted"))?;
    let spent = closed.per_execution_since(opened);
    let mut table = Table::new(&[
        "behaviour",
        "set",
        "spent",
        "measured",
        "90 % interval",
        "measured / spent",
    ]);
    for behaviour in Behaviour::ALL {
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

/// A loopback address that is free at this moment.
fn free_address() -> Result<SocketAddr, Failure> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
