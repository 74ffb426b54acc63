//! Every number of a report in one long tidy table (RFC 4180, UTF-8, dot decimals).

mod advice;
mod bill;
mod capacity;
mod charts;
mod compared;
mod measured;
mod policy;
mod row;
mod rows;

use nest_data::Projection;

/// The columns.
const HEADER: &str =
    "study,run,config,growth,policy,month,customers,metric,component,value,low,high,unit,kind";

/// All numbers of a projection, a row each, under
/// `study,run,config,growth,policy,month,customers,metric,component,value,low,high,unit,kind`.
///
/// `kind` is `measured`, `fitted`, `assumed`, `agreed`, `extrapolated` or `priced`; a cell is empty if its
/// value is unknown or does not apply. Lines end in CR LF, as RFC 4180 has it. Amounts of money are exact.
#[must_use]
pub fn csv(projection: &Projection) -> String {
    csv_of(projection, |_| true)
}

/// The rows whose metric is asked for, in the same form as [`csv`].
#[must_use]
pub fn csv_of(projection: &Projection, asked: impl Fn(&str) -> bool) -> String {
    let lead = format!(
        "{},{},",
        row::quoted(&projection.study.name),
        row::quoted(&projection.model.run)
    );
    let mut text = format!("{HEADER}\r\n");
    for row in rows::rows(projection).into_iter().filter(|row| asked(row.metric)) {
        text.push_str(&lead);
        text.push_str(&row.to_line());
        text.push_str("\r\n");
    }
    text
}
