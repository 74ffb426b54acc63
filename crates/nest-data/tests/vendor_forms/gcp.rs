//! Forms of the Google Cloud Billing Catalog, and sizes that the user states.

use nest_data::{Source, price_import::Wanted};

use super::{outcome, rows_of, wanted};

const GCP: &str = include_str!("../prices/gcp-compute.json");

#[test]
fn a_catalogue_of_gcp_needs_no_times_on_every_row_and_takes_stated_sizes() {
    let books = |text: &str, wanted: &Wanted| {
        let outcome = outcome(&[text.as_bytes()], wanted);
        outcome
            .lines()
            .filter(|line| line.starts_with("gcp/"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let whole = books(GCP, &wanted());
    assert!(
        whole
            .iter()
            .any(|line| line.starts_with("gcp/us-central1 USD: n2-")),
        "{whole:?}"
    );
    let first = GCP.find("\"effectiveTime\"").expect("there");
    let one_without = format!(
        "{}{}",
        &GCP[..first],
        GCP[first..].replacen("effectiveTime", "since", 1)
    );
    assert_eq!(books(&one_without, &wanted()), whole);
    assert_eq!(
        books(&GCP.replace("effectiveTime", "EffectiveTime"), &wanted()),
        whole
    );
    assert_eq!(
        books(
            &GCP.replace("skuId", "sku_id")
                .replace("pricingInfo", "pricing_info"),
            &wanted()
        ),
        whole
    );
    assert_eq!(
        books(&format!("[{}]", rows_of(GCP, "skus").join(",")), &wanted()),
        whole
    );
    let none = outcome(&[GCP.replace("effectiveTime", "since").as_bytes()], &wanted());
    assert!(
        none.starts_with("refused: no price states the day") && none.contains("--observed-on"),
        "{none}"
    );
    let zero = outcome(
        &[GCP.replace("\"nanos\": ", "\"nanos\": 0, \"was\": ").as_bytes()],
        &wanted(),
    );
    assert!(
        !zero.contains("gcp/us-central1 USD") && zero.contains("left out: its price is 0"),
        "{zero}"
    );

    // Google's catalogue of 2026-09-22: N4A in Iowa costs 0.02646 a core and 0.00301 a GiB, so that a machine
    // of 2 cores and 8 GiB costs 0.077.
    let n4a = |part: &str, unit: &str, nanos: u32| {
        format!(
            "{{\"skuId\": \"{part}\", \"description\": \"N4A Instance {part} running in Iowa\", \
            \"category\": {{\"resourceFamily\": \"Compute\", \"usageType\": \
            \"OnDemand\"}}, \"serviceRegions\": \
            [\"us-central1\"], \"pricingInfo\": [{{\"effectiveTime\": \"2026-09-22T07:00:00Z\", \
            \"pricingExpression\": {{\"usageUnit\": \"{unit}\", \"tieredRates\": [{{\"startUsageAmount\": 0, \
            \"unitPrice\": {{\"currencyCode\": \"USD\", \"units\": \"0\", \"nanos\": {nanos}}}}}]}}}}]}}"
        )
    };
    let skus = format!(
        "{{\"skus\": [{}, {}]}}",
        n4a("Core", "h", 26_460_000),
        n4a("Ram", "GiBy.h", 3_010_000)
    );
    assert!(
        outcome(&[skus.as_bytes()], &wanted())
            .starts_with("left out: no built-in book knows the sizes of n4a")
    );
    let sized = |table: &str| Wanted {
        sizes: Some(Source::new("sizes.csv", table)),
        ..wanted()
    };
    assert_eq!(
        outcome(
            &[skus.as_bytes()],
            &sized("sku;vcpu;memory_gib;arch\nn4a-standard-2;2;8;arm64\n")
        ),
        "gcp/us-central1 USD: n4a-standard-2 0.077"
    );
    for (table, expected) in [
        ("sku,vcpu,memory_gib\na,2,8\n", "lacks arch"),
        (
            "sku,vcpu,memory_gib,arch\na,0,8,arm64\n",
            "`vcpu` is 0; write a number above 0",
        ),
        (
            "sku,vcpu,memory_gib,arch\na,2,8,ARM\n",
            "`arch` is `ARM`; write x86_64 or arm64",
        ),
        (
            "sku,vcpu,memory_gib,arch\na,2,8,arm64\na,2,4,arm64\n",
            "`a` is there twice",
        ),
        ("sku,vcpu,memory_gib,arch\n,2,8,arm64\n", "`sku` is blank"),
        ("sku,vcpu,memory_gib,arch\n", "the file has no rows"),
    ] {
        let found = outcome(&[skus.as_bytes()], &sized(table));
        assert!(
            found.starts_with("refused: ") && found.contains(expected),
            "{found}"
        );
    }
}
