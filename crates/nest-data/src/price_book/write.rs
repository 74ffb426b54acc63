//! A price book as a file that a person reads and edits: one table a row, absent fields left out.

use std::{
    collections::BTreeMap,
    fmt::{Display, Write as _},
};

use super::{
    Commitment, CommitmentKind, Confidence, FreeKind, Instance, InstanceUnit, Meter, MeterPrice, Payment,
    Plan, PriceBook, PriceSource, ProviderLimit, Quantum, TierMode, VcpuKind,
};
use crate::units::QuotedDecimal;

impl PriceBook {
    /// The book as TOML, with `header` as comment lines before it. Reading it again gives the same book.
    #[must_use]
    pub fn to_toml(&self, header: &str) -> String {
        let mut text = String::new();
        for line in header.lines() {
            text += if line.is_empty() { "#" } else { "# " };
            text += line;
            text.push('\n');
        }
        let _ = write!(
            text,
            "\nschema = {}\nprovider = {}\nregion = {}\ncurrency = {}\nmonth_hours = {}\ntax = \
                \"excluded\"\nstale_after_days = {}\n",
            self.schema,
            quoted(&self.provider),
            quoted(&self.region),
            quoted(&self.currency),
            quoted(self.month_hours),
            self.stale_after_days
        );
        self.source
            .iter()
            .for_each(|(name, source)| write_source(&mut text, name, source));
        self.meter.iter().for_each(|meter| write_meter(&mut text, meter));
        self.instance
            .iter()
            .for_each(|instance| write_instance(&mut text, instance));
        self.commitment
            .iter()
            .for_each(|commitment| write_commitment(&mut text, commitment));
        self.plan.iter().for_each(|plan| write_plan(&mut text, plan));
        self.limit.iter().for_each(|limit| write_limit(&mut text, limit));
        for adjustment in &self.adjustment {
            text += "\n[[adjustment]]\n";
            let _ = writeln!(text, "order = {}\nkind = \"percent\"", adjustment.order);
            field(&mut text, "percent", Some(&adjustment.percent));
            field(&mut text, "selector", Some(&adjustment.selector));
            field(&mut text, "label", Some(&adjustment.label));
        }
        text
    }
}

/// A TOML string.
fn quoted(value: impl Display) -> String {
    let mut text = String::from("\"");
    for c in value.to_string().chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            '\n' => text += "\\n",
            c if c.is_control() => {
                let _ = write!(text, "\\u{:04X}", u32::from(c));
            }
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

/// A TOML key: bare where it may be.
fn key(name: &str) -> String {
    let bare = !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if bare { name.to_owned() } else { quoted(name) }
}

fn field(text: &mut String, name: &str, value: Option<impl Display>) {
    if let Some(value) = value {
        let _ = writeln!(text, "{name} = {}", quoted(value));
    }
}

/// An inline table of the parts that are there.
fn inline(parts: &[(&str, Option<String>)]) -> String {
    let there: Vec<String> = parts
        .iter()
        .filter_map(|(name, value)| value.as_ref().map(|value| format!("{name} = {value}")))
        .collect();
    format!("{{ {} }}", there.join(", "))
}

/// An inline table of amounts by name.
fn by_name(amounts: &BTreeMap<String, QuotedDecimal>) -> String {
    let parts: Vec<String> = amounts
        .iter()
        .map(|(name, amount)| format!("{} = {}", quoted(name), quoted(amount)))
        .collect();
    format!("{{ {} }}", parts.join(", "))
}

fn some(value: Option<impl Display>) -> Option<String> {
    value.map(quoted)
}

fn write_source(text: &mut String, name: &str, source: &PriceSource) {
    let _ = writeln!(text, "\n[source.{}]", key(name));
    field(text, "title", Some(&source.title));
    field(text, "url", source.url.as_ref());
    field(text, "observed_on", Some(&source.observed_on));
    field(text, "published", source.published.as_ref());
    let confidence = match source.confidence {
        Confidence::List => "list",
        Confidence::Page => "page",
        Confidence::Secondary => "secondary",
        Confidence::Derived => "derived",
        Confidence::Approximate => "approximate",
        Confidence::User => "user",
    };
    field(text, "confidence", Some(confidence));
}

fn quantum(quantum: &Quantum) -> String {
    inline(&[
        ("per", some(Some(&quantum.per))),
        ("step", some(Some(&quantum.step))),
        ("minimum", some(quantum.minimum.as_ref())),
        ("round", some(Some("up"))),
    ])
}

fn meter_price(price: &MeterPrice) -> String {
    let mode = price.mode.map(|mode| match mode {
        TierMode::Graduated => "graduated",
        TierMode::Volume => "volume",
        TierMode::Package => "package",
    });
    let tiers = (!price.tiers.is_empty()).then(|| {
        let tiers = price.tiers.iter().map(|tier| {
            let parts = [("up_to", some(tier.up_to)), ("amount", some(tier.amount))];
            if parts.iter().all(|part| part.1.is_none()) {
                "  {},\n".to_owned()
            } else {
                format!("  {},\n", inline(&parts))
            }
        });
        format!("[\n{}]", tiers.collect::<String>())
    });
    inline(&[
        ("amount", some(price.amount)),
        ("per", some(price.per)),
        ("mode", some(mode)),
        ("scope", some(price.scope.as_ref())),
        ("window", some(price.window.as_ref())),
        ("tiers", tiers),
    ])
}

fn write_meter(text: &mut String, meter: &Meter) {
    *text += "\n[[meter]]\n";
    field(text, "id", Some(&meter.id));
    field(text, "unit", Some(&meter.unit));
    if let Some(rounding) = &meter.quantum {
        let _ = writeln!(text, "quantum = {}", quantum(rounding));
    }
    if let Some(price) = &meter.price {
        let _ = writeln!(text, "price = {}", meter_price(price));
    }
    field(text, "chunk", meter.chunk.as_ref());
    if !meter.max_of.is_empty() {
        *text += "max_of = [\n";
        for part in &meter.max_of {
            let parts = [
                ("quantity", some(Some(&part.quantity))),
                ("unit", some(Some(&part.unit))),
                ("per_unit", some(Some(part.per_unit))),
                ("free_factor", some(part.free_factor.as_ref())),
            ];
            let _ = writeln!(text, "  {},", inline(&parts));
        }
        *text += "]\n";
    }
    if let Some(share) = &meter.percent_of {
        let _ = writeln!(
            text,
            "percent_of = {}",
            inline(&[
                ("meter", some(Some(&share.meter))),
                ("percent", some(Some(share.percent)))
            ])
        );
    }
    if let Some(free) = &meter.free {
        let kind = match free.kind {
            FreeKind::Always => "always",
            FreeKind::FirstYear => "first-year",
            FreeKind::Credit => "credit",
            FreeKind::Included => "included",
        };
        let parts = [
            ("kind", some(Some(kind))),
            ("quantity", some(Some(free.quantity))),
            ("pool", some(free.pool.as_ref())),
        ];
        let _ = writeln!(text, "free = {}", inline(&parts));
    }
    if let Some(included) = &meter.included {
        let parts = [
            ("quantity", some(Some(included.quantity))),
            ("per", some(Some(&included.per))),
        ];
        let _ = writeln!(text, "included = {}", inline(&parts));
    }
    field(text, "effective_from", meter.effective_from);
    field(text, "effective_to", meter.effective_to);
    field(text, "vendor_code", meter.vendor_code.as_ref());
    field(text, "note", meter.note.as_ref());
    field(text, "source", Some(&meter.source));
}

fn write_instance(text: &mut String, instance: &Instance) {
    *text += "\n[[instance]]\n";
    field(text, "sku", Some(&instance.sku));
    field(text, "arch", Some(&instance.arch));
    field(text, "vcpu", Some(&instance.vcpu));
    field(text, "memory_gib", Some(&instance.memory_gib));
    field(text, "baseline", instance.baseline);
    if let Some(network) = &instance.network_gbps {
        let _ = writeln!(
            text,
            "network_gbps = {}",
            inline(&[
                ("baseline", some(Some(network.baseline))),
                ("burst", some(network.burst))
            ])
        );
    }
    let kind = instance.vcpu_kind.map(|kind| match kind {
        VcpuKind::Shared => "shared",
        VcpuKind::Dedicated => "dedicated",
    });
    field(text, "vcpu_kind", kind);
    if !instance.included.is_empty() {
        let _ = writeln!(text, "included = {}", by_name(&instance.included));
    }
    let price = &instance.price;
    let sustained = (!price.sustained.is_empty()).then(|| {
        let parts = price.sustained.iter().map(|part| {
            inline(&[
                ("up_to", some(Some(part.up_to))),
                ("factor", some(Some(part.factor))),
            ])
        });
        format!("[{}]", parts.collect::<Vec<_>>().join(", "))
    });
    let parts = [
        ("on_demand", some(price.on_demand)),
        ("spot", some(price.spot)),
        ("unit", some(Some(unit(price.unit)))),
        ("hourly", some(price.hourly)),
        ("sustained", sustained),
        ("quantum", price.quantum.as_ref().map(quantum)),
    ];
    let _ = writeln!(text, "price = {}", inline(&parts));
    field(text, "effective_from", instance.effective_from);
    field(text, "effective_to", instance.effective_to);
    field(text, "vendor_code", instance.vendor_code.as_ref());
    field(text, "note", instance.note.as_ref());
    field(text, "source", Some(&instance.source));
}

fn unit(unit: InstanceUnit) -> &'static str {
    match unit {
        InstanceUnit::H => "h",
        InstanceUnit::Month => "month",
    }
}

fn write_commitment(text: &mut String, commitment: &Commitment) {
    *text += "\n[[commitment]]\n";
    field(text, "id", Some(&commitment.id));
    let kind = match commitment.kind {
        CommitmentKind::Reserved => "reserved",
        CommitmentKind::SavingsPlan => "savings_plan",
        CommitmentKind::Cud => "cud",
        CommitmentKind::Block => "block",
    };
    let payment = match commitment.payment {
        Payment::None => "none",
        Payment::Partial => "partial",
        Payment::All => "all",
    };
    field(text, "kind", Some(kind));
    let _ = writeln!(text, "term_months = {}", commitment.term_months);
    field(text, "payment", Some(payment));
    let covers = inline(&[
        ("sku", some(commitment.covers.sku.as_ref())),
        ("family", some(commitment.covers.family.as_ref())),
    ]);
    let _ = writeln!(text, "covers = {}", if covers == "{  }" { "{}" } else { &covers });
    field(text, "upfront", Some(commitment.upfront));
    field(text, "recurring", Some(commitment.recurring));
    field(text, "unit", Some(unit(commitment.unit)));
    if !commitment.rates.is_empty() {
        let _ = writeln!(text, "rates = {}", by_name(&commitment.rates));
    }
    field(text, "vendor_code", commitment.vendor_code.as_ref());
    field(text, "note", commitment.note.as_ref());
    field(text, "source", Some(&commitment.source));
}

fn write_plan(text: &mut String, plan: &Plan) {
    *text += "\n[[plan]]\n";
    field(text, "id", Some(&plan.id));
    field(text, "amount", Some(plan.amount));
    field(text, "per", Some("month"));
    if !plan.includes.is_empty() {
        *text += "includes = [\n";
        for part in &plan.includes {
            let parts = [
                ("meter", some(Some(&part.meter))),
                ("quantity", some(Some(part.quantity))),
                ("unit", some(part.unit.as_ref())),
            ];
            let _ = writeln!(text, "  {},", inline(&parts));
        }
        *text += "]\n";
    }
    field(text, "note", plan.note.as_ref());
    field(text, "source", Some(&plan.source));
}

fn write_limit(text: &mut String, limit: &ProviderLimit) {
    *text += "\n[[limit]]\n";
    field(text, "id", Some(&limit.id));
    field(text, "value", Some(limit.value));
    field(text, "unit", Some(&limit.unit));
    field(text, "adjustable", limit.adjustable.as_ref());
    field(text, "note", limit.note.as_ref());
    field(text, "source", Some(&limit.source));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Source;

    #[test]
    fn a_written_book_reads_as_the_same_book() {
        let text = r#"
schema = 1
provider = "p"
region = "r"
currency = "EUR"
month_hours = "730"
tax = "excluded"
stale_after_days = 3
[source."a b"]
title = "a \"page\" \\ here"
url = "https://example.com/"
observed_on = "2025-12"
published = 2026-01-02
confidence = "list"
[[meter]]
id = "a"
unit = "GB*h"
quantum = { per = "run", step = "1s", minimum = "60s", round = "up" }
price = { per = "1000", mode = "volume", scope = "account", window = "month", tiers = [
    { up_to = "10", amount = "2.50" }, {},
] }
chunk = "64KiB"
free = { kind = "first-year", quantity = "5", pool = "x" }
included = { quantity = "0.5", per = "function" }
effective_from = 2026-01-01
note = "n"
source = "a b"
[[meter]]
id = "b"
unit = "LCU*h"
price = { amount = "0.008" }
max_of = [{ quantity = "q", unit = "1/s", per_unit = "25" }]
source = "a b"
[[meter]]
id = "c"
unit = "share"
percent_of = { meter = "b", percent = "15" }
source = "a b"
[[instance]]
sku = "i"
arch = "arm64"
vcpu = "2"
memory_gib = "0.5"
baseline = "0.2"
network_gbps = { baseline = "1", burst = "5" }
price = { on_demand = "0.10", spot = "0.03", unit = "h", sustained = [{ up_to = "1", factor = "0.8" }] }
effective_to = 2027-01-01
source = "a b"
[[instance]]
sku = "j"
arch = "x86_64"
vcpu = "2"
memory_gib = "4"
vcpu_kind = "shared"
included = { "egress.overage" = "20000", "ipv4.address" = "1" }
price = { on_demand = "5.49", unit = "month", hourly = "0.0088" }
source = "a b"
[[commitment]]
id = "sp"
kind = "savings_plan"
term_months = 36
payment = "partial"
covers = {}
upfront = "10"
recurring = "0.01"
unit = "h"
rates = { "m7i.large" = "0.05" }
source = "a b"
[[plan]]
id = "pl"
amount = "5.00"
per = "month"
includes = [{ meter = "a", quantity = "10", unit = "GB" }]
note = "includes 20 USD of usage"
source = "a b"
[[limit]]
id = "l"
value = "1000"
unit = "per account"
adjustable = "yes"
source = "a b"
[[adjustment]]
order = 1
kind = "percent"
percent = "-9"
selector = "*"
label = "discount"
"#;
        let book = PriceBook::read(&Source::new("b", text)).expect("valid");
        let written = book.to_toml("first line\n\nthird line");
        assert!(
            written.starts_with("# first line\n#\n# third line\n\nschema = 1\n"),
            "{written}"
        );
        assert_eq!(PriceBook::read(&Source::new("b", written)).expect("valid"), book);
    }
}
