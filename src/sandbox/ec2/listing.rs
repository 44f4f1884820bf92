//! What listings have in common: ids that must be there, filters, pages.

use super::super::iam::fits;
use super::super::query::{Failure, Parameters};
use super::super::xml::Xml;
use super::Context;
use super::model::Tags;

/// Conditions that must all hold: a name, and values of which one must fit.
pub(super) struct Filters(Vec<(String, Vec<String>)>);

impl Filters {
    pub(super) fn read(parameters: &Parameters) -> Result<Self, Failure> {
        let read = |filter: Parameters| {
            let name = super::required(&filter, "Name")?.to_owned();
            let values = filter.flat_texts("Value");
            Ok((name, values.into_iter().map(str::to_owned).collect()))
        };
        let filters = parameters.flat_items("Filter").into_iter().map(read);
        filters.collect::<Result<_, Failure>>().map(Self)
    }

    /// Whether they hold for something with these tags; `actual` tells the values of what else can be asked for, and
    /// nothing for what cannot.
    pub(super) fn hold(
        &self,
        tags: &Tags,
        actual: impl Fn(&str) -> Option<Vec<String>>,
    ) -> Result<bool, Failure> {
        for (name, values) in &self.0 {
            let tagged = match name.strip_prefix("tag:") {
                Some(key) => Some(tags.get(key).cloned().into_iter().collect()),
                None if name == "tag-key" => Some(tags.keys().cloned().collect()),
                None => None,
            };
            let Some(actual): Option<Vec<String>> = tagged.or_else(|| actual(name)) else {
                let message = format!("The filter '{name}' is invalid");
                return Err(Failure::new("InvalidParameterValue", message));
            };
            let any = |pattern: &String| actual.iter().any(|actual| fits(pattern, actual));
            if !values.iter().any(any) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// One value that a filter may ask for.
pub(super) fn one(value: &(impl ToString + ?Sized)) -> Option<Vec<String>> {
    Some(vec![value.to_string()])
}

impl Context<'_> {
    /// Those of the ids in `name.N` that are wanted; all, where none is named.
    pub(super) fn wants(&self, name: &str, id: &str) -> bool {
        let named = self.parameters().flat_texts(name);
        named.is_empty() || named.contains(&id)
    }

    /// Refuses ids that are not there.
    pub(super) fn check(
        &self,
        name: &str,
        kind: &str,
        known: impl Fn(&str) -> bool,
    ) -> Result<(), Failure> {
        let named = self.parameters().flat_texts(name);
        match named.into_iter().find(|id| !known(id)) {
            Some(id) => Err(super::not_found(kind, id)),
            None => Ok(()),
        }
    }

    /// Writes the page that was asked for: `MaxResults` of 5 to 1000, from `NextToken` on.
    pub(super) fn page<T>(
        &self,
        xml: &mut Xml,
        name: &str,
        items: Vec<T>,
        each: impl FnMut(&mut Xml, T),
    ) -> Result<(), Failure> {
        let parameters = self.parameters();
        let most = match parameters.text("MaxResults").map(str::parse) {
            None => usize::MAX,
            Some(Ok(most @ 5..=1000)) => most,
            Some(_) => {
                let message = "Value for parameter maxResults is invalid. Expecting a value between 5 and 1000.";
                return Err(Failure::new("InvalidParameterValue", message));
            }
        };
        let from: usize = match parameters.text("NextToken") {
            None => 0,
            Some(token) => token
                .strip_prefix("from-")
                .and_then(|it| it.parse().ok())
                .ok_or_else(|| {
                    let message = format!("The specified pagination token '{token}' is invalid.");
                    Failure::new("InvalidPaginationToken", message)
                })?,
        };
        let all = items.len();
        let end = from.saturating_add(most);
        let items = items.into_iter().skip(from).take(most);
        xml.set(name, "item", items, each);
        xml.maybe("nextToken", (end < all).then(|| format!("from-{end}")));
        Ok(())
    }
}
