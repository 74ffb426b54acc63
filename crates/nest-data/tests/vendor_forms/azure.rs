//! Forms of the Azure Retail Prices API.

use super::{AZURE, check, outcome, rows_of, utf16, wanted};

/// A price of a virtual machine; `more` are further fields, which come last and so count.
fn azure(more: &str) -> String {
    format!(
        r#"{{"currencyCode": "USD", "tierMinimumUnits": 0.0, "retailPrice": 0.096, "armRegionName": "eastus",
        "effectiveStartDate": "2023-11-01T00:00:00Z", "meterId": "m-1", "meterName": "D2s v5",
        "productName": "Virtual Machines Dsv5 Series", "skuName": "Standard_D2s_v5", "serviceName":
        "Virtual Machines", "unitOfMeasure": "1 Hour", "type": "Consumption", "isPrimaryMeterRegion": true,
        "armSkuName": "Standard_D2s_v5"{more}}}"#
    )
}

fn page(items: &[&str], next: &str) -> String {
    format!("{{\"Items\": [{}], \"NextPageLink\": {next}}}", items.join(","))
}

const D2S: &str = "azure/eastus USD: Standard_D2s_v5 0.096";

#[test]
fn azure_prices_are_those_of_today_of_the_region_itself() {
    let one = |more: &str| page(&[&azure(more)], "null").into_bytes();
    let both = |more: &str| page(&[&azure(""), &azure(more)], "null").into_bytes();
    let bare = format!("[{}]", azure(""));
    check(vec![
        ("page", one(""), D2S),
        ("bare array", bare.clone().into(), D2S),
        ("an item a line", azure("").replace('\n', " ").into(), D2S),
        ("UTF-16 of PowerShell", utf16(&bare), D2S),
        (
            "other case",
            bare.replace("\"retailPrice\"", "\"RetailPrice\"").into(),
            D2S,
        ),
        ("the same again", both(""), D2S),
        (
            "next page",
            page(&[&azure("")], "\"https://prices.azure.com/?$skip=1000\"").into(),
            "note: a: it says that another page follows",
        ),
        (
            "euros",
            one(", \"currencyCode\": \"EUR\""),
            "azure/eastus EUR: Standard_D2s_v5 0.096",
        ),
        (
            "empty",
            page(&[], "null").into(),
            "refused: the list of items is empty",
        ),
        ("cut", bare[..200].into(), "refused: the file is cut off"),
        (
            "comma lost",
            bare.replace("\"USD\",", "\"USD\"").into(),
            "refused: this is not JSON",
        ),
    ]);
    // A second item beside the usual one.
    check(vec![
        (
            "secondary meter",
            both(", \"isPrimaryMeterRegion\": false, \"meterId\": \"m-6\""),
            "left out: it is a secondary meter",
        ),
        (
            "windows",
            both(", \"productName\": \"Virtual Machines Dsv5 Series Windows\", \"meterId\": \"m-4\""),
            D2S,
        ),
        (
            "price that ended",
            both(
                ", \"retailPrice\": 0.113, \"effectiveStartDate\": \"2021-11-01T00:00:00Z\", \
                    \"effectiveEndDate\": \"2023-10-31T23:59:59Z\"",
            ),
            "left out: the price ended before 2023-11-01",
        ),
        (
            "price to come",
            both(", \"retailPrice\": 0.101, \"effectiveStartDate\": \"2027-03-01T00:00:00Z\""),
            "azure/eastus USD: Standard_D2s_v5 0.096, Standard_D2s_v5 from 2027-03-01 0.101",
        ),
        (
            "two currencies",
            both(", \"currencyCode\": \"EUR\", \"effectiveStartDate\": \"2024-11-01T00:00:00Z\""),
            "refused: the amount is in EUR",
        ),
        (
            "hidden windows",
            both(", \"retailPrice\": 0.188, \"meterId\": \"m-4\""),
            "refused: `Standard_D2s_v5` has two prices: meters m-1",
        ),
    ]);
    // One item that differs from the usual one.
    check(
        [
            (
                ", \"effectiveStartDate\": \"2027-03-01T00:00:00Z\"",
                "refused: no item states the day",
            ),
            (", \"unitOfMeasure\": \"100 Hours\", \"retailPrice\": 9.6", D2S),
            (
                ", \"unitOfMeasure\": \"1/Month\"",
                "left out: it is priced per `1/Month`",
            ),
            (", \"retailPrice\": 0.0", "left out: its price is 0"),
            (", \"retailPrice\": -1", "left out: its `retailPrice` is `-1`"),
            (
                ", \"retailPrice\": \"cheap\"",
                "left out: its `retailPrice` is `\"cheap\"`",
            ),
            (
                ", \"armRegionName\": \"Zone 1\"",
                "left out: its `armRegionName` is `Zone 1`",
            ),
            (
                ", \"armRegionName\": \"../../etc\"",
                "left out: its `armRegionName` is `../../etc`",
            ),
            (", \"armSkuName\": \"Standard_D2s_v9\"", "--sizes FILE.csv"),
            (
                ", \"serviceName\": \"Key Vault\"",
                "left out: books have no row for what it is",
            ),
            (
                ", \"savingsPlan\": [{\"retailPrice\": 0.05, \"term\": \"3 Years\"}, \
                    {\"retailPrice\": 0, \"term\": \"1 Year\"}]",
                "azure/eastus USD: Standard_D2s_v5 0.096, savings-plan-3y-none 0+1 Standard_D2s_v5=0.05",
            ),
        ]
        .into_iter()
        .map(|(more, expected)| (more, one(more), expected))
        .collect(),
    );
}

#[test]
fn pages_are_one_answer_and_complete_with_the_last_of_them() {
    let rows = rows_of(AZURE, "Items");
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let (first, second) = rows.split_at(2);
    let pages = [
        page(first, "\"https://prices.azure.com/?$skip=2\""),
        page(second, "null"),
    ];
    let whole = outcome(&[AZURE.as_bytes()], &wanted());
    assert_eq!(
        outcome(&[pages[0].as_bytes(), pages[1].as_bytes()], &wanted()),
        whole
    );
    assert_eq!(
        outcome(&[pages.join("\n").as_bytes()], &wanted()),
        whole,
        "one after another in one file"
    );
    assert!(outcome(&[pages[0].as_bytes()], &wanted()).contains("note: a: it says"));
}
