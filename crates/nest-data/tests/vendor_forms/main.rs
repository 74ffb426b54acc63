//! The forms in which vendors' price files come: packed, through a spreadsheet, in pages, cut off, of other
//! kinds. Each is read, or refused with what it is and what to do.

mod azure;
mod gcp;

use std::{io::Write, sync::OnceLock};

use flate2::{Compression, write::GzEncoder};
use jiff::civil::date;
use nest_data::{
    PriceBook, Source,
    price_import::{Import, Wanted, file_text, import},
};

const AZURE: &str = include_str!("../prices/azure-eastus.json");

/// Columns of an offer of AWS, and its row for Fargate's memory: 0.004445 a GB-hour.
const COLUMNS: [(&str, &str); 11] = [
    ("SKU", "PBZN"),
    ("RateCode", "PBZN.JRTC.6YS6"),
    ("TermType", "OnDemand"),
    ("EffectiveDate", "2026-07-01"),
    ("StartingRange", "0"),
    ("Unit", "hours"),
    ("PricePerUnit", "0.0044450000"),
    ("Currency", "USD"),
    ("Location", "US East (N. Virginia)"),
    ("usageType", "USE1-Fargate-GB-Hours"),
    ("Region Code", "us-east-1"),
];

/// The offer as CSV, as AWS writes it.
fn ecs() -> String {
    let line = |cells: Vec<&str>| format!("\"{}\"\n", cells.join("\",\""));
    let about = [
        ["FormatVersion", "v1.0"],
        ["Publication Date", "2026-07-07T16:02:58Z"],
        ["OfferCode", "AmazonECS"],
    ];
    let about: String = about.iter().map(|cells| line(cells.to_vec())).collect();
    let names = line(COLUMNS.iter().map(|(name, _)| *name).collect());
    let row = line(COLUMNS.iter().map(|(_, cell)| *cell).collect());
    about + &names + &row
}
const MEMORY: &str = "aws/us-east-1 USD: fargate.memory.x86_64 0.004445";

/// A product of an answer of `aws pricing get-products`.
const PRODUCT: &str = r#"{"product": {"attributes": {"memory": "16 GiB", "vcpu": "2",
 "instanceType": "db.r7g.large", "usagetype": "InstanceUsage:db.r7g.large", "databaseEngine": "PostgreSQL",
 "regionCode": "us-east-1", "deploymentOption": "Single-AZ"}, "sku": "22GT"}, "serviceCode": "AmazonRDS",
 "terms": {"OnDemand": {"22GT.JRTC": {"effectiveDate": "2024-08-01T00:00:00Z", "priceDimensions":
 {"22GT.JRTC.6YS6": {"rateCode": "22GT.JRTC.6YS6", "beginRange": "0", "unit": "Hrs",
 "pricePerUnit": {"USD": "0.2390000000"}}}}}}, "publicationDate": "2024-08-30T16:27:24Z"}"#;
const DATABASE: &str = "aws/us-east-1 USD: db.r7g.large 0.239";

/// A region file of AWS's savings plans, with one rate.
fn plans(usage: &str, operation: &str, rate: &str) -> String {
    let row = [
        ("SKU", "A"),
        ("RateCode", "A.B"),
        ("Unit", "Hrs"),
        ("DiscountedRate", rate),
        ("Currency", "USD"),
        ("DiscountedServiceCode", "AmazonEC2"),
        ("DiscountedUsageType", usage),
        ("DiscountedOperation", operation),
        ("PurchaseOption", "Partial Upfront"),
        ("LeaseContractLength", "3"),
        ("Instance Family", "r7g"),
        ("Product Family", "EC2InstanceSavingsPlans"),
        ("DiscountedRegionCode", "ap-east-2"),
    ];
    let (names, cells): (Vec<&str>, Vec<&str>) = row.into_iter().unzip();
    format!(
        "FormatVersion,v1.0\nPublication Date,2025-09-11T18:44:47Z\nOfferCode,AWSComputeSavingsPlan\n\
        {}\n{}\n",
        names.join(","),
        cells.join(",")
    )
}

fn known() -> &'static [PriceBook] {
    static KNOWN: OnceLock<Vec<PriceBook>> = OnceLock::new();
    KNOWN.get_or_init(|| {
        [
            include_str!("../../../../pricing/aws/us-east-1.toml"),
            include_str!("../../../../pricing/azure/eastus.toml"),
            include_str!("../../../../pricing/gcp/us-central1.toml"),
        ]
        .iter()
        .map(|text| PriceBook::read(&Source::new("known", *text)).expect("valid"))
        .collect()
    })
}

fn wanted() -> Wanted {
    Wanted {
        today: Some(date(2026, 11, 30)),
        ..Wanted::default()
    }
}

/// What becomes of files: the books with their prices; why rows are left out; why the files are refused.
fn outcome(files: &[&[u8]], wanted: &Wanted) -> String {
    let texts: Result<Vec<Source>, _> = files
        .iter()
        .zip(["a", "b", "c"])
        .map(|(bytes, name)| file_text(name, bytes.to_vec()))
        .collect();
    let texts = match texts {
        Ok(texts) => texts,
        Err(found) => return format!("refused: {}; {}", found.message, found.help),
    };
    match import(&texts, wanted, known()) {
        Ok(import) => told(&import),
        Err(found) => {
            assert!(!found.is_empty() && found.iter().all(|one| !one.help.is_empty()));
            let messages: Vec<String> = found
                .iter()
                .map(|one| format!("{}; {}", one.message, one.help))
                .collect();
            format!("refused: {}", messages.join(" | "))
        }
    }
}

fn told(import: &Import) -> String {
    let mut said = Vec::new();
    for one in &import.books {
        let book = &one.book;
        let dated = |name: &str, from: Option<jiff::civil::Date>| {
            from.map_or_else(|| name.to_owned(), |from| format!("{name} from {from}"))
        };
        let instances = book.instance.iter().map(|row| {
            let spot = row.price.spot.map(|spot| format!("spot {spot}"));
            let price = row.price.on_demand.map(|price| price.to_string());
            let told: Vec<String> = price.into_iter().chain(spot).collect();
            (dated(&row.sku, row.effective_from), Some(told.join(" ")))
        });
        let meters = book.meter.iter().map(|row| {
            let amount = row.price.as_ref().and_then(|price| price.amount);
            let tiers = row.price.as_ref().map_or(0, |price| price.tiers.len());
            let told = amount.map_or_else(|| format!("{tiers} tiers"), |amount| amount.to_string());
            (dated(&row.id, row.effective_from), Some(told))
        });
        let commitments = book.commitment.iter().map(|row| {
            let rates: Vec<String> = row
                .rates
                .iter()
                .map(|(name, rate)| format!("{name}={rate}"))
                .collect();
            (
                row.id.clone(),
                Some(format!("{}+{} {}", row.upfront, row.recurring, rates.join(" "))),
            )
        });
        let rows: Vec<String> = meters
            .chain(instances)
            .chain(commitments)
            .map(|(name, price)| {
                format!("{name} {}", price.unwrap_or_default())
                    .trim_end()
                    .to_owned()
            })
            .collect();
        said.push(format!("{} {}: {}", book.name(), book.currency, rows.join(", ")));
        said.extend(one.notes.iter().map(|note| format!("note: {note}")));
        said.extend(one.left_out.iter().map(|one| format!("left out: {}", one.reason)));
        for note in &one.notes {
            assert!(one.to_toml().contains(note.as_str()), "the file says so too");
        }
    }
    said.extend(
        import
            .left_out
            .iter()
            .map(|one| format!("left out: {}", one.reason)),
    );
    said.join("\n")
}

fn utf16(text: &str) -> Vec<u8> {
    let units = text.encode_utf16().flat_map(u16::to_le_bytes);
    [0xff, 0xfe].into_iter().chain(units).collect()
}

fn packed(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).expect("in memory");
    encoder.finish().expect("in memory")
}

fn rows_of(whole: &str, list: &str) -> Vec<String> {
    let whole: serde_json::Value = serde_json::from_str(whole).expect("JSON");
    whole[list]
        .as_array()
        .expect("a list")
        .iter()
        .map(ToString::to_string)
        .collect()
}

/// What a file is called, its bytes, and what it becomes.
type Form = (&'static str, Vec<u8>, &'static str);

fn check(forms: Vec<Form>) {
    for (name, bytes, expected) in forms {
        let outcome = outcome(&[&bytes], &wanted());
        let is_there = if expected.starts_with("azure") || expected.starts_with("aws") {
            outcome.lines().next() == Some(expected)
        } else {
            outcome.contains(expected)
        };
        assert!(is_there, "{name}: {outcome}\nexpected: {expected}");
    }
}

#[test]
fn csv_offers_are_read_as_spreadsheets_and_tools_save_them() {
    let ecs = ecs();
    let semicolons = ecs.replace("\",\"", "\";\"");
    let without_region = ecs.replace(",\"Region Code\"", "").replace(",\"us-east-1\"", "");
    check(vec![
        ("plain", ecs.clone().into(), MEMORY),
        ("CRLF", ecs.replace('\n', "\r\n").into(), MEMORY),
        ("CR only", ecs.replace('\n', "\r").into(), MEMORY),
        ("byte order mark", format!("\u{feff}{ecs}").into(), MEMORY),
        ("sep line", format!("sep=,\r\n{ecs}").into(), MEMORY),
        ("semicolons", semicolons.clone().into(), MEMORY),
        (
            "sep line, semicolons",
            format!("\u{feff}sep=;\n{semicolons}").into(),
            MEMORY,
        ),
        (
            "tabs, UTF-16",
            utf16(&ecs.replace("\",\"", "\t").replace('"', "")),
            MEMORY,
        ),
        (
            "decimal comma",
            semicolons.replace("0.0044450000", "0,004445").into(),
            MEMORY,
        ),
        ("UTF-16", utf16(&ecs), MEMORY),
        ("gzip", packed(&ecs), MEMORY),
        (
            "padded by a spreadsheet",
            ecs.replace("\"\n", "\",,,\n").into(),
            MEMORY,
        ),
        (
            "other case and spaces",
            ecs.replace("\"Region Code\"", "\"region_code\"").into(),
            MEMORY,
        ),
        ("before 2021", without_region.clone().into(), MEMORY),
        (
            "a place that is not known",
            without_region.replace("N. Virginia", "Nowhere").into(),
            "left out: its region `US East (Nowhere)` is not known",
        ),
        (
            "price of 0",
            ecs.replace("0.0044450000", "0.0000000000").into(),
            "left out: its price is 0",
        ),
        (
            "price below 0",
            ecs.replace("0.0044450000", "-0.1").into(),
            "costs `-0.1`; numbers of 0 or more",
        ),
        (
            "price to come",
            ecs.replace("2026-07-01", "2027-07-01").into(),
            "left out: its price begins on 2027-07-01",
        ),
        (
            "renamed column",
            ecs.replace("PricePerUnit", "Price").into(),
            "refused: the line of column names lacks PricePerUnit",
        ),
        (
            "column twice",
            ecs.replace("\"RateCode\"", "\"Unit\"").into(),
            "refused: the line of column names lacks RateCode",
        ),
        (
            "without the first lines",
            ecs[ecs.find("\"SKU\"").expect("there")..].into(),
            "refused: ",
        ),
        (
            "cut in a cell",
            ecs[..ecs.len() - 5].into(),
            "refused: a quotation mark is not closed",
        ),
        (
            "cut in a row",
            ecs[..ecs.len() - 40].into(),
            "refused: the row has",
        ),
        (
            "cut UTF-16",
            utf16(&ecs)[..601].into(),
            "refused: the file is UTF-16 and ends in half a character",
        ),
        (
            "cut gzip",
            packed(&ecs)[..100].into(),
            "refused: the file is packed with gzip, and cut off",
        ),
    ]);
}

#[test]
fn answers_of_get_products_are_read_in_every_shape_of_the_tools() {
    let line = PRODUCT.replace('\n', "");
    let text = serde_json::to_string(&line).expect("a text");
    check(vec![
        (
            "answer",
            format!("{{\"FormatVersion\": \"aws_v1\", \"PriceList\": [{text}]}}").into(),
            DATABASE,
        ),
        (
            "answer of objects",
            format!("{{\"PriceList\": [{PRODUCT}]}}").into(),
            DATABASE,
        ),
        ("the list alone", format!("[{text}]").into(), DATABASE),
        ("a product a line", format!("{line}\n{line}\n").into(), DATABASE),
        ("a text a line", format!("{text}\n{text}\n").into(), DATABASE),
        ("packed", packed(&format!("[{text}]")), DATABASE),
        (
            "not all",
            format!("{{\"PriceList\": [{text}], \"NextToken\": \"abc\"}}").into(),
            "note: a: its NextToken says that more products follow",
        ),
        (
            "cut line",
            format!("{line}\n{}", &line[..100]).into(),
            "refused: the file is cut off",
        ),
        (
            "damaged product",
            format!("[{}]", text.replace("serviceCode", "service")).into(),
            "refused: a product is not in the shape",
        ),
        (
            "two prices of one product",
            format!("[{text}, {}]", text.replace("0.239", "0.3")).into(),
            "refused: the product 22GT is there twice",
        ),
        (
            "China",
            line.replace("us-east-1", "cn-north-1")
                .replace("InstanceUsage", "CNN1-InstanceUsage")
                .replace("USD", "CNY")
                .into(),
            "aws/cn-north-1 CNY: db.r7g.large 0.239",
        ),
    ]);
}

#[test]
fn savings_plans_become_commitments_at_one_an_hour() {
    // AWS, region file of 2025-09: r7g.medium under a plan of three years, half of it paid at once. 13,140 is
    // half of 26,280 hours.
    let family = "aws/ap-east-2 USD: r7g-sp-3y-partial 13140+0.5 r7g.medium=0.0425";
    let json = r#"{"version": "1", "publicationDate": "2025-09-11T18:44:47Z", "products": [{"sku": "A",
        "productFamily": "ComputeSavingsPlans", "attributes": {"purchaseOption": "No Upfront",
        "purchaseTerm": "1yr"}}], "terms": {"savingsPlan": [{"sku": "A", "leaseContractLength": {"duration":
        1, "unit": "year"}, "rates": [{"discountedUsageType": "USE1-Fargate-GB-Hours",
        "discountedOperation": "",
        "discountedServiceCode": "AmazonECS", "rateCode": "A.B", "unit": "hours", "discountedRate":
        {"price": "0.0035560000", "currency": "USD"}, "discountedRegionCode": "us-east-1"}]}]}}"#;
    check(vec![
        (
            "CSV",
            plans("APE2-BoxUsage:r7g.medium", "RunInstances", "0.0425").into(),
            family,
        ),
        (
            "JSON",
            json.into(),
            "aws/us-east-1 USD: compute-sp-1y-none 0+1 fargate.memory.x86_64=0.003556",
        ),
        (
            "another operating system",
            plans("APE2-BoxUsage:r7g.medium", "RunInstances:0002", "0.0425").into(),
            "left out: it is a savings plan's rate for something that books do not have",
        ),
        (
            "dedicated",
            plans("APE2-DedicatedUsage:r7g.medium", "RunInstances", "0.0425").into(),
            "left out: it is a savings plan's rate",
        ),
        (
            "rate of 0",
            plans("APE2-BoxUsage:r7g.medium", "RunInstances", "0").into(),
            "left out: its price is 0",
        ),
        (
            "answer about rates",
            "{\"searchResults\": []}".into(),
            "refused: this is an answer about savings plans' rates",
        ),
    ]);
}

#[test]
fn files_of_other_kinds_are_refused_with_what_they_are() {
    check(vec![
        (
            "nothing",
            Vec::new(),
            "refused: the file is empty; download it again",
        ),
        (
            "web page",
            "<!DOCTYPE html><p>Sign in".into(),
            "refused: the file is a web page",
        ),
        (
            "S3 error",
            "<?xml version=\"1.0\"?><Error><Code>AccessDenied".into(),
            "refused: the file is XML",
        ),
        (
            "workbook",
            b"PK\x03\x04\0\0".to_vec(),
            "an Excel workbook, not a text; unpack the archive, or save",
        ),
        (
            "list of lists",
            "{\"formatVersion\": \"v1.0\", \"offers\": {}}".into(),
            "refused: this is the list of AWS's price lists",
        ),
        (
            "list of regions",
            "{\"regions\": {}}".into(),
            "refused: this is the list of the regions",
        ),
        (
            "error",
            "{\"error\": {\"code\": 403}}".into(),
            "refused: the vendor answered with an error",
        ),
        (
            "message",
            "{\"message\": \"Too many requests\"}".into(),
            "instead of prices: Too many requests",
        ),
        ("empty list", "[]".into(), "refused: the list is empty"),
        (
            "numbers",
            "[1, 2]".into(),
            "refused: this is not a known price file",
        ),
        (
            "another CSV",
            "a,b\n1,2\n".into(),
            "refused: this is not a known price file",
        ),
        (
            "products without plans",
            "{\"products\": {}, \"terms\": {}}".into(),
            "neither an `offerCode` nor savings plans",
        ),
    ]);
}

#[test]
fn a_file_that_is_cut_or_damaged_anywhere_gives_no_other_price() {
    // Every amount that a damaged file gives must be one of the whole file.
    let amounts = |text: &str| -> Vec<String> {
        text.split([' ', ',', '=', '+', '\n'])
            .filter(|word| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.'))
            .map(str::to_owned)
            .collect()
    };
    let answer = format!("{{\"PriceList\": [{PRODUCT}]}}");
    let plan = plans("APE2-BoxUsage:r7g.medium", "RunInstances", "0.0425");
    let ecs = ecs();
    for text in [&ecs, &answer, &plan, AZURE] {
        let whole = amounts(&outcome(&[text.as_bytes()], &wanted()));
        let step = (text.len() / 40).max(1);
        for place in (0..text.len()).step_by(step) {
            let cut = outcome(&[&text.as_bytes()[..place]], &wanted());
            if !cut.starts_with("refused") {
                assert!(
                    amounts(&cut).iter().all(|amount| whole.contains(amount)),
                    "cut at {place}: {cut}"
                );
            }
            // A byte that no number has.
            for byte in [b'\xff', b'x', b'"', b'\n', b'\0'] {
                let mut damaged = text.as_bytes().to_vec();
                damaged[place] = byte;
                let found = outcome(&[&damaged], &wanted());
                if !found.starts_with("refused") {
                    assert!(
                        amounts(&found).iter().all(|amount| whole.contains(amount)),
                        "{byte} at {place}: {found}"
                    );
                }
            }
        }
    }
}
