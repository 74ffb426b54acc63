//! `pricing fetch`: downloads a vendor's price list. No other verb contacts a server that the user has not
//! named.

use std::time::Duration;

use nest_data::{Source, diagnostic::secrets::secret_in, price_import::next_page};
use nest_load::download;
use url::Url;

use crate::{
    command_error::{CommandError, INTERNAL, INVALID, USAGE},
    printer::talk,
};

/// Longest wait for one file.
const LONGEST: Duration = Duration::from_secs(600);
/// Largest file; the offer of EC2 for one region is some hundred MiB.
const MOST_BYTES: usize = 1 << 30;
/// Most pages of one answer.
const MOST_PAGES: usize = 300;
/// Offers of AWS from which books are made.
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
/// Services of Azure from which books are made.
const SERVICES: [&str; 2] = ["Virtual Machines", "Functions"];
/// Compute Engine in the catalogue of Google Cloud.
const COMPUTE_ENGINE: &str = "6F81-5844-456A";
/// Variable with the key to that catalogue.
const GCP_KEY: &str = "GCP_API_KEY";

/// Downloads the price lists of a region.
pub fn fetch(
    provider: &str,
    region: &str,
    base: Option<&str>,
    offers: &[String],
) -> Result<Vec<Source>, CommandError> {
    if region.is_empty() || !region.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return Err(
            CommandError::new(USAGE, format!("`{region}` is not the name of a region"))
                .hint("write it as in eu-west-1, westeurope or europe-west1"),
        );
    }
    if !offers.is_empty() && provider != "aws" {
        return Err(CommandError::new(USAGE, "--offer can be used only with aws"));
    }
    match provider {
        "aws" => aws(
            region,
            base.unwrap_or("https://pricing.us-east-1.amazonaws.com"),
            offers,
        ),
        "azure" => azure(region, base.unwrap_or("https://prices.azure.com")),
        _ => gcp(base.unwrap_or("https://cloudbilling.googleapis.com")),
    }
}

fn aws(region: &str, base: &str, offers: &[String]) -> Result<Vec<Source>, CommandError> {
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

fn azure(region: &str, base: &str) -> Result<Vec<Source>, CommandError> {
    let mut files = Vec::new();
    for service in SERVICES {
        let mut address = joined(base, "/api/retail/prices")?;
        address.query_pairs_mut().append_pair(
            "$filter",
            &format!("armRegionName eq '{region}' and serviceName eq '{service}'"),
        );
        for page in 1.. {
            let name = format!("azure-{}-{page}.json", service.replace(' ', "-"));
            let text = Source::new(name, ask(&address)?);
            let next = next_of(&text)?;
            files.push(text);
            let Some(next) = next else { break };
            bound(page)?;
            address = same_server(&next, &address)?;
        }
    }
    Ok(files)
}

/// The next page of a price list, as its text names it.
fn next_of(text: &Source) -> Result<Option<String>, CommandError> {
    next_page(text).map_err(|found| CommandError::diagnostics(vec![found], vec![text.clone()]))
}

/// The address of the next page, if it is on the server of the page before.
fn same_server(next: &str, before: &Url) -> Result<Url, CommandError> {
    let next = Url::parse(next).map_err(|error| {
        CommandError::new(
            INVALID,
            format!("the address of the next page is not a URL: {error}"),
        )
    })?;
    if next.origin() == before.origin() {
        return Ok(next);
    }
    let host = next.origin().ascii_serialization();
    Err(CommandError::new(
        INVALID,
        format!("the next page is at another host, {host}"),
    ))
}

fn gcp(base: &str) -> Result<Vec<Source>, CommandError> {
    let key = std::env::var(GCP_KEY).ok().filter(|key| !key.is_empty());
    let key = key.ok_or_else(|| {
        CommandError::new(USAGE, "the Google Cloud catalogue needs a key")
            .hint(format!("set the environment variable {GCP_KEY} to your API key"))
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
        token = next_of(&text)?;
        files.push(text);
        if token.is_none() {
            break;
        }
        bound(page)?;
    }
    Ok(files)
}

fn bound(page: usize) -> Result<(), CommandError> {
    if page < MOST_PAGES {
        Ok(())
    } else {
        Err(CommandError::new(
            INVALID,
            format!("the price list has more than {MOST_PAGES} pages"),
        ))
    }
}

fn joined(base: &str, path: &str) -> Result<Url, CommandError> {
    if let Some(place) = secret_in(base) {
        let message = format!("--url holds {place}; it would be printed");
        return Err(CommandError::new(USAGE, message).hint("use a server that needs none"));
    }
    let hint = "write it as in https://prices.azure.com, or https://mirror.example.com/prices";
    let wrong = |what: String| CommandError::new(USAGE, format!("`{base}` {what}")).hint(hint);
    let mut url = Url::parse(base).map_err(|error| wrong(format!("is not a URL: {error}")))?;
    if url.cannot_be_a_base() || url.query().is_some() || url.fragment().is_some() {
        return Err(wrong(
            "has no path to which that of a price list can be added".to_owned(),
        ));
    }
    let whole = format!("{}{path}", url.path().trim_end_matches('/'));
    url.set_path(&whole);
    Ok(url)
}

/// Downloads one file. The query of its address, which may contain a key, is not printed.
fn ask(address: &Url) -> Result<String, CommandError> {
    let shown = format!("{}{}", address.origin().ascii_serialization(), address.path());
    talk(&format!("downloading {shown}"));
    download(address.as_str(), LONGEST, MOST_BYTES)
        .map_err(|reason| CommandError::new(INTERNAL, format!("{shown} cannot be fetched: {reason}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_mirror_stays_before_that_of_the_list() {
        let whole = |base: &str| joined(base, "/offers/v1.0/aws/A/index.json").map(|url| url.to_string());
        for (base, start) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://127.0.0.1/prefix", "http://127.0.0.1/prefix"),
            ("http://127.0.0.1/a/b/", "http://127.0.0.1/a/b"),
        ] {
            assert_eq!(
                whole(base).expect(base),
                format!("{start}/offers/v1.0/aws/A/index.json")
            );
        }
        for wrong in [
            "prices",
            "mailto:a@b",
            "http://127.0.0.1/?key=1",
            "http://127.0.0.1/#x",
        ] {
            assert_eq!(whole(wrong).expect_err(wrong).code, USAGE, "{wrong}");
        }
    }
}
