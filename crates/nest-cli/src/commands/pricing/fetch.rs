//! `pricing fetch`: asks a vendor for its price list and imports it. The only verb that leaves the machine without being told where to.

use std::{path::Path, time::Duration};

use jiff::Zoned;
use nest_data::{
    Source,
    price_import::{Wanted, next_page},
};
use nest_load::download;
use url::Url;

use super::import::write_books;
use crate::{
    args::Format,
    failure::{Failure, INTERNAL, INVALID, USAGE},
    printer::talk,
};

/// Longest wait for one file.
const LONGEST: Duration = Duration::from_secs(600);
/// Largest file; the offer of EC2 for one region is some hundred MiB.
const MOST_BYTES: usize = 1 << 30;
/// Most pages of one answer.
const MOST_PAGES: usize = 300;
/// Offers of AWS that books have rows of.
const OFFERS: [&str; 10] = [
    "AWSELB",
    "AWSLambda",
    "AmazonApiGateway",
    "AmazonCloudWatch",
    "AmazonDynamoDB",
    "AmazonEC2",
    "AmazonECS",
    "AmazonRDS",
    "AmazonS3",
    "AmazonVPC",
];
/// Services of Azure that books have rows of.
const SERVICES: [&str; 2] = ["Virtual Machines", "Functions"];
/// Compute Engine in the catalogue of Google Cloud.
const COMPUTE_ENGINE: &str = "6F81-5844-456A";
/// Variable with the key to that catalogue.
const GCP_KEY: &str = "GCP_API_KEY";

/// Runs the verb.
pub fn fetch(
    provider: &str,
    region: &str,
    base: Option<&str>,
    offers: &[String],
    to: &Path,
    format: Format,
) -> Result<(), Failure> {
    if region.is_empty() || !region.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return Err(Failure::new(USAGE, format!("`{region}` is no region"))
            .hint("such as eu-west-1, westeurope or europe-west1"));
    }
    if !offers.is_empty() && provider != "aws" {
        return Err(Failure::new(USAGE, "--offer is for aws"));
    }
    let files = match provider {
        "aws" => aws(
            region,
            base.unwrap_or("https://pricing.us-east-1.amazonaws.com"),
            offers,
        )?,
        "azure" => azure(region, base.unwrap_or("https://prices.azure.com"))?,
        _ => gcp(base.unwrap_or("https://cloudbilling.googleapis.com"))?,
    };
    let wanted = Wanted {
        provider: Some(provider.to_owned()),
        region: Some(region.to_owned()),
        observed_on: Some(Zoned::now().date()),
    };
    write_books(&files, &wanted, to, format)
}

fn aws(region: &str, base: &str, offers: &[String]) -> Result<Vec<Source>, Failure> {
    let all: Vec<&str> = if offers.is_empty() {
        OFFERS.to_vec()
    } else {
        offers.iter().map(String::as_str).collect()
    };
    let file = |offer: &&str| {
        let address = joined(
            base,
            &format!("/offers/v1.0/aws/{offer}/current/{region}/index.json"),
        )?;
        ask(&address).map(|text| Source::new(format!("{offer}.json"), text))
    };
    all.iter().map(file).collect()
}

fn azure(region: &str, base: &str) -> Result<Vec<Source>, Failure> {
    let mut files = Vec::new();
    for service in SERVICES {
        let mut address = joined(base, "/api/retail/prices")?;
        address.query_pairs_mut().append_pair(
            "$filter",
            &format!("armRegionName eq '{region}' and serviceName eq '{service}'"),
        );
        for page in 1.. {
            let text = Source::new(
                format!("azure-{}-{page}.json", service.replace(' ', "-")),
                ask(&address)?,
            );
            let next =
                next_page(&text).map_err(|found| Failure::diagnostics(vec![found], vec![text.clone()]))?;
            files.push(text);
            let Some(next) = next else { break };
            let next = Url::parse(&next).map_err(|error| {
                Failure::new(INVALID, format!("the address of the next page is none: {error}"))
            })?;
            if next.origin() != address.origin() {
                return Err(Failure::new(
                    INVALID,
                    format!(
                        "the next page is at another host, {}",
                        next.origin().ascii_serialization()
                    ),
                ));
            }
            bound(page)?;
            address = next;
        }
    }
    Ok(files)
}

fn gcp(base: &str) -> Result<Vec<Source>, Failure> {
    let key = std::env::var(GCP_KEY).ok().filter(|key| !key.is_empty());
    let key = key.ok_or_else(|| {
        Failure::new(USAGE, "the catalogue of Google Cloud needs a key").hint(format!("export {GCP_KEY}=..."))
    })?;
    let mut files: Vec<Source> = Vec::new();
    let mut token: Option<String> = None;
    for page in 1.. {
        let mut address = joined(base, &format!("/v1/services/{COMPUTE_ENGINE}/skus"))?;
        address
            .query_pairs_mut()
            .append_pair("pageSize", "5000")
            .append_pair("key", &key);
        if let Some(token) = &token {
            address.query_pairs_mut().append_pair("pageToken", token);
        }
        let text = Source::new(format!("gcp-{page}.json"), ask(&address)?);
        token = next_page(&text).map_err(|found| Failure::diagnostics(vec![found], vec![text.clone()]))?;
        files.push(text);
        if token.is_none() {
            break;
        }
        bound(page)?;
    }
    Ok(files)
}

fn bound(page: usize) -> Result<(), Failure> {
    if page < MOST_PAGES {
        Ok(())
    } else {
        Err(Failure::new(
            INVALID,
            format!("the answer has more than {MOST_PAGES} pages"),
        ))
    }
}

fn joined(base: &str, path: &str) -> Result<Url, Failure> {
    let url = Url::parse(base.trim_end_matches('/')).and_then(|base| base.join(path));
    url.map_err(|error| {
        Failure::new(USAGE, format!("`{base}` is no address: {error}"))
            .hint("such as https://prices.azure.com")
    })
}

/// Downloads one file. What is asked with, a key perhaps, is not shown.
fn ask(address: &Url) -> Result<String, Failure> {
    let shown = format!("{}{}", address.origin().ascii_serialization(), address.path());
    talk(&format!("asking {shown}"));
    download(address.as_str(), LONGEST, MOST_BYTES)
        .map_err(|reason| Failure::new(INTERNAL, format!("{shown} cannot be fetched: {reason}")))
}
