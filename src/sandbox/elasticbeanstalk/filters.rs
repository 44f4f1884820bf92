//! The filters of platform listings: attribute, operator, values.

use super::super::query::{Failure, Parameters};
use super::context::invalid;

/// One condition of a listing.
pub(super) struct Filter {
    attribute: String,
    operator: String,
    values: Vec<String>,
}

/// The attributes that either listing knows.
const ATTRIBUTES: [&str; 13] = [
    "BranchName",
    "LifecycleState",
    "OperatingSystemName",
    "PlatformBranchName",
    "PlatformLifecycleState",
    "PlatformName",
    "PlatformOwner",
    "PlatformStatus",
    "PlatformVersion",
    "ProgrammingLanguageName",
    "SupportedAddon",
    "SupportedTier",
    "TierType",
];

pub(super) fn filters(parameters: &Parameters, attribute: &str) -> Result<Vec<Filter>, Failure> {
    let read = |item: Parameters| {
        let name = item.required(attribute)?.to_owned();
        if !ATTRIBUTES.contains(&name.as_str()) {
            return Err(invalid(format!("Invalid filter {attribute}: {name}")));
        }
        let operator = item.text("Operator").unwrap_or("=").to_owned();
        let values = item
            .texts("Values")
            .unwrap_or_default()
            .into_iter()
            .map(str::to_lowercase)
            .collect();
        Ok(Filter {
            attribute: name,
            operator,
            values,
        })
    };
    parameters.items("Filters").into_iter().map(read).collect()
}

/// Whether every filter holds for what `actual` says of an attribute; letter case does not count.
pub(super) fn holds<'a>(filters: &[Filter], actual: impl Fn(&str) -> Option<Vec<&'a str>>) -> bool {
    filters.iter().all(|filter| {
        let actual = actual(&filter.attribute).unwrap_or_default();
        let any = |test: &dyn Fn(&str, &str) -> bool| {
            actual.iter().any(|actual| {
                filter
                    .values
                    .iter()
                    .any(|wanted| test(&actual.to_lowercase(), wanted))
            })
        };
        match filter.operator.as_str() {
            "=" | "in" => any(&|actual, wanted| actual == wanted),
            "!=" | "not_in" => !any(&|actual, wanted| actual == wanted),
            "contains" => any(&|actual, wanted| actual.contains(wanted)),
            "begins_with" => any(&|actual, wanted| actual.starts_with(wanted)),
            "ends_with" => any(&|actual, wanted| actual.ends_with(wanted)),
            "<" => any(&|actual, wanted| numbers(actual) < numbers(wanted)),
            "<=" => any(&|actual, wanted| numbers(actual) <= numbers(wanted)),
            ">" => any(&|actual, wanted| numbers(actual) > numbers(wanted)),
            ">=" => any(&|actual, wanted| numbers(actual) >= numbers(wanted)),
            _ => false,
        }
    })
}

/// `4.13.1` as something that can be compared.
fn numbers(version: &str) -> Vec<u64> {
    version
        .split('.')
        .map(|part| part.parse().unwrap_or_default())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_compare_versions_by_number() {
        let form = b"Filters.member.1.Type=PlatformVersion&Filters.member.1.Operator=%3E&Filters.member.1.Values.member.1=4.9.1";
        let filters = filters(&Parameters::parse(form), "Type").unwrap();
        assert!(holds(&filters, |_| Some(vec!["4.13.1"])));
        assert!(!holds(&filters, |_| Some(vec!["4.9.1"])));
    }
}
