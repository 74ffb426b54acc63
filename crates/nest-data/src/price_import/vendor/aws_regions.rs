//! Regions of AWS: their names in words, as lists before 2021 have them, and what their usage types begin
//! with.

use std::collections::BTreeSet;

/// Code, prefix of usage types, and names of a region. Before 2023 those of Europe began with `EU`.
const REGIONS: &[(&str, &str, &[&str])] = &[
    ("us-east-1", "USE1-", &["US East (N. Virginia)"]),
    ("us-east-2", "USE2-", &["US East (Ohio)"]),
    ("us-west-1", "USW1-", &["US West (N. California)"]),
    ("us-west-2", "USW2-", &["US West (Oregon)"]),
    (
        "us-gov-west-1",
        "UGW1-",
        &["AWS GovCloud (US-West)", "AWS GovCloud (US)"],
    ),
    ("us-gov-east-1", "UGE1-", &["AWS GovCloud (US-East)"]),
    ("ca-central-1", "CAN1-", &["Canada (Central)"]),
    ("ca-west-1", "CAN2-", &["Canada West (Calgary)"]),
    ("eu-west-1", "EUW1-", &["EU (Ireland)", "Europe (Ireland)"]),
    ("eu-west-2", "EUW2-", &["EU (London)", "Europe (London)"]),
    ("eu-west-3", "EUW3-", &["EU (Paris)", "Europe (Paris)"]),
    ("eu-central-1", "EUC1-", &["EU (Frankfurt)", "Europe (Frankfurt)"]),
    ("eu-central-2", "EUC2-", &["Europe (Zurich)"]),
    ("eu-north-1", "EUN1-", &["EU (Stockholm)", "Europe (Stockholm)"]),
    ("eu-south-1", "EUS1-", &["EU (Milan)", "Europe (Milan)"]),
    ("eu-south-2", "EUS2-", &["Europe (Spain)"]),
    ("ap-east-1", "APE1-", &["Asia Pacific (Hong Kong)"]),
    ("ap-east-2", "APE2-", &["Asia Pacific (Taipei)"]),
    ("ap-northeast-1", "APN1-", &["Asia Pacific (Tokyo)"]),
    ("ap-northeast-2", "APN2-", &["Asia Pacific (Seoul)"]),
    (
        "ap-northeast-3",
        "APN3-",
        &["Asia Pacific (Osaka)", "Asia Pacific (Osaka-Local)"],
    ),
    ("ap-southeast-1", "APS1-", &["Asia Pacific (Singapore)"]),
    ("ap-southeast-2", "APS2-", &["Asia Pacific (Sydney)"]),
    ("ap-southeast-3", "APS4-", &["Asia Pacific (Jakarta)"]),
    ("ap-southeast-4", "APS6-", &["Asia Pacific (Melbourne)"]),
    ("ap-south-1", "APS3-", &["Asia Pacific (Mumbai)"]),
    ("ap-south-2", "APS5-", &["Asia Pacific (Hyderabad)"]),
    (
        "sa-east-1",
        "SAE1-",
        &["South America (Sao Paulo)", "South America (São Paulo)"],
    ),
    ("me-south-1", "MES1-", &["Middle East (Bahrain)"]),
    ("me-central-1", "MEC1-", &["Middle East (UAE)"]),
    ("il-central-1", "ILC1-", &["Israel (Tel Aviv)"]),
    ("af-south-1", "AFS1-", &["Africa (Cape Town)"]),
    ("cn-north-1", "CNN1-", &["China (Beijing)"]),
    ("cn-northwest-1", "CNW1-", &["China (Ningxia)"]),
];

/// The code of a region, from its name in words.
pub fn region_of(location: &str) -> Option<&'static str> {
    REGIONS
        .iter()
        .find(|(_, _, names)| names.contains(&location))
        .map(|(code, _, _)| *code)
}

/// What usage types of a region may begin with. Some of the oldest regions have no prefix or a short one.
///
/// Of a region that is not known, it is what all usage types of the list begin with that have a prefix at
/// all.
pub fn prefixes<'a>(region: &str, usage_types: impl Iterator<Item = &'a str>) -> Vec<String> {
    let known = REGIONS.iter().find(|(code, _, _)| *code == region);
    match (region, known) {
        ("us-east-1", _) => vec![String::new(), "USE1-".to_owned()],
        ("eu-west-1", _) => vec!["EU-".to_owned(), "EUW1-".to_owned()],
        (_, Some((_, prefix, _))) => vec![(*prefix).to_owned()],
        (_, None) => {
            let found: BTreeSet<&str> = usage_types.filter_map(prefix_of).collect();
            match found.into_iter().collect::<Vec<_>>()[..] {
                [one] => vec![one.to_owned()],
                _ => Vec::new(),
            }
        }
    }
}

/// The part of a usage type that looks like the prefix of a region: three capitals, a digit and a dash.
fn prefix_of(usage_type: &str) -> Option<&str> {
    let prefix = usage_type.get(..5)?;
    let mut letters = prefix.bytes();
    let is_prefix = letters.by_ref().take(3).all(|byte| byte.is_ascii_uppercase())
        && letters.next().is_some_and(|byte| byte.is_ascii_digit())
        && prefix.ends_with('-');
    is_prefix.then_some(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_that_is_not_known_has_the_prefix_of_its_usage_types() {
        let prefixes_of = |usage: &[&str]| prefixes("xx-new-1", usage.iter().copied());
        assert_eq!(
            prefixes_of(&["XXN1-LCUUsage", "XXN1-BoxUsage:m7i.large", "Global-Requests"]),
            ["XXN1-"]
        );
        assert!(prefixes_of(&["XXN1-LCUUsage", "EUC1-LCUUsage"]).is_empty());
        assert!(prefixes_of(&["LCUUsage", "DataTransfer"]).is_empty());
        assert_eq!(prefixes("eu-central-1", std::iter::empty()), ["EUC1-"]);
    }

    #[test]
    fn every_region_has_its_own_prefix_and_names() {
        let codes: BTreeSet<&str> = REGIONS.iter().map(|(code, _, _)| *code).collect();
        let prefixes: BTreeSet<&str> = REGIONS.iter().map(|(_, prefix, _)| *prefix).collect();
        let names: Vec<&&str> = REGIONS.iter().flat_map(|(_, _, names)| *names).collect();
        let distinct: BTreeSet<&&&str> = names.iter().collect();
        assert_eq!((codes.len(), prefixes.len()), (REGIONS.len(), REGIONS.len()));
        assert_eq!(distinct.len(), names.len());
        assert_eq!(region_of("EU (Frankfurt)"), Some("eu-central-1"));
    }
}
