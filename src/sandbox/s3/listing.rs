//! Which keys a listing shows: prefix, delimiter, page size and where a page begins. Pure.

use std::collections::BTreeMap;
use std::ops::Bound;

/// What a client asks for.
#[derive(Debug, Default)]
pub(super) struct Query<'a> {
    pub(super) prefix: &'a str,
    pub(super) delimiter: Option<&'a str>,
    /// Only keys and common prefixes behind this one.
    pub(super) after: Option<&'a str>,
    pub(super) most: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page<'a, T> {
    pub(super) contents: Vec<(&'a str, &'a T)>,
    pub(super) common_prefixes: Vec<&'a str>,
    /// The last entry of this page, when there is another page.
    pub(super) next: Option<&'a str>,
}

/// One page of `keys`.
pub(super) fn page<'a, T>(keys: &'a BTreeMap<String, T>, query: &Query<'_>) -> Page<'a, T> {
    let mut page = Page {
        contents: Vec::new(),
        common_prefixes: Vec::new(),
        next: None,
    };
    let from = (Bound::Included(query.prefix), Bound::Unbounded);
    let mut last = None;
    for (key, value) in keys
        .range::<str, _>(from)
        .take_while(|(key, _)| key.starts_with(query.prefix))
    {
        let group = group(key, query);
        let entry = group.unwrap_or(key);
        if query.after.is_some_and(|after| entry <= after) || last == Some(entry) {
            continue;
        }
        if page.contents.len() + page.common_prefixes.len() == query.most {
            page.next = last;
            break;
        }
        match group {
            Some(group) => page.common_prefixes.push(group),
            None => page.contents.push((key, value)),
        }
        last = Some(entry);
    }
    page
}

/// The common prefix that stands for a key, up to the first delimiter behind the prefix.
fn group<'a>(key: &'a str, query: &Query<'_>) -> Option<&'a str> {
    let delimiter = query.delimiter.filter(|delimiter| !delimiter.is_empty())?;
    let at = key[query.prefix.len()..].find(delimiter)?;
    Some(&key[..query.prefix.len() + at + delimiter.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(names: &[&str]) -> BTreeMap<String, ()> {
        names.iter().map(|name| ((*name).to_owned(), ())).collect()
    }

    fn shown<'a>(page: &Page<'a, ()>) -> (Vec<&'a str>, Vec<&'a str>, Option<&'a str>) {
        (
            page.contents.iter().map(|(key, ())| *key).collect(),
            page.common_prefixes.clone(),
            page.next,
        )
    }

    #[test]
    fn groups_by_delimiter_below_the_prefix() {
        let keys = keys(&["a", "app/1.zip", "app/2.zip", "app/x/1", "b/1"]);
        let top = page(
            &keys,
            &Query {
                delimiter: Some("/"),
                most: 10,
                ..Query::default()
            },
        );
        assert_eq!(shown(&top), (vec!["a"], vec!["app/", "b/"], None));
        let below = page(
            &keys,
            &Query {
                prefix: "app/",
                delimiter: Some("/"),
                most: 10,
                ..Query::default()
            },
        );
        assert_eq!(
            shown(&below),
            (vec!["app/1.zip", "app/2.zip"], vec!["app/x/"], None)
        );
    }

    #[test]
    fn pages_continue_where_the_last_one_ended() {
        let keys = keys(&["a", "b/1", "b/2", "c", "d"]);
        let query = |after| Query {
            delimiter: Some("/"),
            most: 2,
            after,
            ..Query::default()
        };
        assert_eq!(
            shown(&page(&keys, &query(None))),
            (vec!["a"], vec!["b/"], Some("b/"))
        );
        assert_eq!(
            shown(&page(&keys, &query(Some("b/")))),
            (vec!["c", "d"], vec![], None)
        );
        assert_eq!(
            shown(&page(
                &keys,
                &Query {
                    most: 0,
                    ..Query::default()
                }
            )),
            (vec![], vec![], None)
        );
    }
}
