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
    let parts: Vec<&str> = sku.split('.').collect();
    // The generation stands before the size: `db.m7g.large.mysql`.
    let generation = parts
        .iter()
        .position(|part| is_size(part))
        .map_or(0, |size| size.saturating_sub(1));
    let shortened = parts.iter().enumerate().filter(|(_, part)| !is_size(part));
    let named: Vec<&str> = shortened
        .map(|(index, part)| {
            if index == generation {
                kind_and_generation(part)
            } else {
                part
            }
        })
        .collect();
    named.join(".")
}

/// The letters and the number that a name begins with: `m7` of `m7i-flex`.
fn kind_and_generation(name: &str) -> &str {
    let rest = name
        .trim_start_matches(|c: char| c.is_ascii_alphabetic())
        .trim_start_matches(|c: char| c.is_ascii_digit());
    &name[..name.len() - rest.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_products_keep_the_service_and_what_runs_on_it() {
        for (sku, expected) in [
            ("m7i-flex.large", "m7"),
            ("db.r7g.16xlarge.mysql.multi-az", "db.r7.mysql.multi-az"),
            ("cache.m7g.large.valkey", "cache.m7.valkey"),
            ("m6g.large.search", "m6.search"),
            ("Standard_D2ps_v5", "Standard_D v5"),
            ("CX23", "CX23"),
        ] {
            assert_eq!(line_of_products(sku), expected);
        }
    }

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
