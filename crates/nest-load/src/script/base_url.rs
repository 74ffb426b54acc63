//! The base URL with what its path takes from the environment.

use std::collections::BTreeMap;

use nest_data::study::behaviour::template::{Template, TemplatePart};

use super::text::Escape;
use crate::error::LoadError;

/// A base URL with each `{{ env("NAME") }}` in its path filled in. It is not shown anywhere: messages show
/// the URL as it is written.
///
/// # Errors
/// [`LoadError::SecretMissing`]; [`LoadError::BaseUrl`] if something else is to be filled in.
pub fn filled(base_url: &str, secrets: &BTreeMap<String, String>) -> Result<String, LoadError> {
    let bad = || LoadError::BaseUrl {
        url: base_url.to_owned(),
    };
    let template: Template = base_url.parse().map_err(|_| bad())?;
    let mut filled = String::new();
    for segment in template.segments() {
        match segment {
            TemplatePart::Literal(literal) => filled.push_str(literal),
            TemplatePart::Env(variable) => {
                let secret = secrets.get(variable).ok_or_else(|| LoadError::SecretMissing {
                    reader: "the base URL".to_owned(),
                    variable: variable.clone(),
                })?;
                filled.push_str(&String::from_utf8_lossy(&Escape::Component.apply(secret)));
            }
            _ => return Err(bad()),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_in_as_parts_of_the_path() {
        let secrets = [("KEY".to_owned(), "a/b c".to_owned())].into();
        let filled = |url: &str| filled(url, &secrets);
        assert_eq!(
            filled("http://127.0.0.1:80/v1/{{ env(\"KEY\") }}/x").expect("set"),
            "http://127.0.0.1:80/v1/a%2Fb%20c/x"
        );
        assert!(matches!(
            filled("http://127.0.0.1/{{ env(\"OTHER\") }}"),
            Err(LoadError::SecretMissing { .. })
        ));
        assert!(matches!(
            filled("http://127.0.0.1/{{ customer }}"),
            Err(LoadError::BaseUrl { .. })
        ));
    }
}
