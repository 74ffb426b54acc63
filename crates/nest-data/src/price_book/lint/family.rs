//! Families of instance types, told from their names.

/// The family of an instance type: its name without what says how large it is.
///
/// `m7i.large` is of `m7i`, `db.r7g.large.multi-az` of `db.r7g.multi-az`, `Standard_D2as_v5` of
/// `Standard_Das_v5`, `n2-standard-2` of `n2-standard`, `CX23` of `CX`.
#[must_use]
pub fn family(sku: &str) -> String {
    if let Some(size) = sku.strip_prefix("Standard_") {
        let letters: String = size.chars().take_while(char::is_ascii_alphabetic).collect();
        let rest = size[letters.len()..].trim_start_matches(|c: char| c.is_ascii_digit() || c == '-');
        return format!("Standard_{letters}{rest}");
    }
    if sku.contains('.') {
        return sku
            .split('.')
            .filter(|part| !is_size(part))
            .collect::<Vec<_>>()
            .join(".");
    }
    match sku.rsplit_once('-') {
        Some((family, size)) if size.chars().all(|c| c.is_ascii_digit()) => family.to_owned(),
        Some(_) => sku.to_owned(),
        None => sku.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned(),
    }
}

fn is_size(part: &str) -> bool {
    ["nano", "micro", "small", "medium", "large"].contains(&part)
        || part.ends_with("xlarge")
        || part.starts_with("metal")
}

/// What types of the same kind and generation share: `m7` of `m7g.large` and `m7i.large`, `Standard_D v5` of
/// `Standard_D2ps_v5`.
pub fn line_of_products(sku: &str) -> String {
    if let Some(size) = sku.strip_prefix("Standard_") {
        let letters: String = size.chars().take_while(char::is_ascii_alphabetic).collect();
        return format!(
            "Standard_{letters} {}",
            sku.rsplit_once('_').map_or("", |(_, generation)| generation)
        );
    }
    let (before, name) = sku.strip_prefix("db.").map_or(("", sku), |name| ("db.", name));
    let letters: String = name.chars().take_while(char::is_ascii_alphabetic).collect();
    let digits: String = name[letters.len()..]
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    format!(
        "{before}{letters}{digits}{}",
        if sku.ends_with(".multi-az") {
            ".multi-az"
        } else {
            ""
        }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_names_without_sizes() {
        for (sku, expected) in [
            ("m7i.large", "m7i"),
            ("m7i.metal-24xl", "m7i"),
            ("m7i-flex.8xlarge", "m7i-flex"),
            ("db.r7g.large", "db.r7g"),
            ("db.r7g.16xlarge.multi-az", "db.r7g.multi-az"),
            ("Standard_D2as_v5", "Standard_Das_v5"),
            ("Standard_E104is_v5", "Standard_Eis_v5"),
            ("n2-standard-2", "n2-standard"),
            ("e2-micro", "e2-micro"),
            ("CX23", "CX"),
        ] {
            assert_eq!(family(sku), expected);
        }
    }
}
