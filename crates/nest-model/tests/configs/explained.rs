//! A bill opened down to what it rests on.

use super::*;

fn leaves(node: &ExplanationNode, visit: &mut impl FnMut(&ExplanationNode)) {
    visit(node);
    node.parts.iter().for_each(|part| leaves(part, visit));
}

fn explained(text: &str, number: &str, name: &str) -> Explanation {
    let study = study(text);
    let asked = ExplainRequest {
        number,
        config: Some(name),
        customers: Some(123_457.0),
    };
    explain(&model(&study), &study, &[book("")], &options(), &asked).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn an_explanation_adds_up_exactly_and_rests_on_nothing_unnamed() {
    let fees = "[fees.card]\nbehaviour = \"pay\"\namount = \"0.25\"\n";
    let text = format!("{STUDY}{MOVED}{fees}").edit(
        "platform = \"function\"",
        "platform = \"function\"\nhost = \"example\"",
    );
    for (number, name) in [
        ("per-1000", "monolith"),
        ("per-1000", "moved"),
        ("cost", "moved"),
        ("fees", "monolith"),
    ] {
        let explanation = explained(&text, number, name);
        leaves(&explanation.root, &mut |node| {
            assert_eq!(node.parts.is_empty(), node.basis.is_leaf(), "{node:?}");
            if node.parts.is_empty() {
                return;
            }
            let values: Vec<f64> = node.parts.iter().map(ExplanationNode::number).collect();
            let most = values
                .iter()
                .copied()
                .map(f64::abs)
                .fold(node.number().abs(), f64::max);
            let again = node.basis.apply(&values);
            let difference = (again - node.number()).abs();
            assert!(
                difference <= 1e-9 * most + 1e-11,
                "{}: {again} for {}",
                node.name,
                node.value
            );
            let is_money = |node: &ExplanationNode| node.unit == "USD";
            if node.basis == Basis::Sum && is_money(node) && node.parts.iter().all(is_money) {
                let value = |node: &ExplanationNode| node.value.parse::<Decimal>().expect("a decimal");
                assert_eq!(
                    value(node),
                    node.parts.iter().map(value).sum::<Decimal>(),
                    "{}",
                    node.name
                );
            }
        });
    }
    let projection = projected(&text.edit("[report]", "[report]\ncustomers = 123457"));
    let per_1000 = explained(&text, "per-1000", "monolith");
    assert_eq!(
        per_1000.root.value.parse::<Decimal>().expect("a decimal"),
        config(&projection, "monolith").bill.per_1000.value.0
    );
}

/// Two placements on one instance type: each line is opened with the placement that it belongs to.
#[test]
fn equal_instance_types_are_explained_apart() {
    let text = STUDY
        .edit("platform = \"database\"", "platform = \"vm\"")
        .edit("sku = \"db.two-cores\"", "sku = \"two-cores\"\nspare = 2");
    let root = explained(&text, "cost", "monolith").root;
    let group = |name: &str| {
        root.parts
            .iter()
            .find(|part| part.name == name)
            .unwrap_or_else(|| panic!("{name} of {root:#?}"))
    };
    let spare = |name: &str| {
        group(name)
            .parts
            .iter()
            .find(|part| part.name == "spare")
            .expect("a line")
            .parts[0]
            .value
            .clone()
    };
    assert_eq!(
        (spare("app/cpu"), spare("db/cpu")),
        ("1".to_owned(), "2".to_owned())
    );
}
