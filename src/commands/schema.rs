//! `beanship schema`: what can stand in `beanship.yml`, for editors and checkers.

use serde::Serialize;
use serde_json::Value;

use crate::error::{Error, Exit, Kind, Result};
use crate::output::{Out, Report};

/// The schema, as a JSON Schema of draft 7, which editors know.
const SCHEMA: &str = include_str!("../../templates/beanship.schema.json");

/// Prints the schema. Every format gets the same document.
///
/// # Errors
/// None that can happen: the document is part of the binary.
pub fn run(out: &Out) -> Result<Exit> {
    let document = serde_json::from_str(SCHEMA)
        .map_err(|why| Error::new(Kind::Config, format!("the schema is wrong: {why}")))?;
    out.result(&Schema(document));
    Ok(Exit::Done)
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Schema(Value);

impl Report for Schema {
    fn human(&self) -> String {
        SCHEMA.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::config::Config;

    /// The keys that the types know where an unknown one stands.
    fn known(text: &str) -> BTreeSet<String> {
        let error = Config::parse(text, Path::new("beanship.yml")).expect_err(text);
        let message = error.message();
        let (_, keys) = message.split_once("known here are ").expect(message);
        keys.split(", ").map(str::to_owned).collect()
    }

    fn keys(of: &Value) -> BTreeSet<String> {
        let properties = of["properties"].as_object().expect("properties");
        properties.keys().cloned().collect()
    }

    #[test]
    fn the_schema_has_the_keys_of_the_types() {
        let schema: Value = serde_json::from_str(SCHEMA).expect("JSON");
        let (top, definitions) = (&schema["properties"], &schema["definitions"]);
        let environment = &definitions["environment"];
        for (text, part) in [
            ("zzzzzz: 1", &schema),
            ("bundle: { zzzzzz: 1 }", &top["bundle"]),
            ("registry: { zzzzzz: 1 }", &top["registry"]),
            ("check: { zzzzzz: 1 }", &top["check"]),
            ("registry: { zzzzzz: 1 }", &top["registry"]),
            ("infra: { zzzzzz: 1 }", &top["infra"]),
            (
                "infra: { iam: { zzzzzz: 1 } }",
                &top["infra"]["properties"]["iam"],
            ),
            (
                "environments: { a: { deployer: { zzzzzz: 1 } } }",
                &environment["properties"]["deployer"],
            ),
            (
                "environments: { a: { instance_role: { zzzzzz: 1 } } }",
                &environment["properties"]["instance_role"],
            ),
            (
                "environments: { a: { network: { zzzzzz: 1 } } }",
                &environment["properties"]["network"],
            ),
            (
                "environments: { a: { database: { zzzzzz: 1 } } }",
                &environment["properties"]["database"],
            ),
            ("smoke: { zzzzzz: 1 }", &definitions["smoke"]["oneOf"][1]),
            ("environments: { a: { zzzzzz: 1 } }", environment),
            (
                "environments: { a: { deploy: { zzzzzz: 1 } } }",
                &environment["properties"]["deploy"],
            ),
        ] {
            assert_eq!(keys(part), known(text), "{text}");
        }
        let sources = definitions["source"]["oneOf"].as_array().expect("sources");
        let all = sources
            .iter()
            .skip(1)
            .flat_map(keys)
            .collect::<BTreeSet<_>>();
        assert_eq!(all, known("properties: { A: { zzzzzz: 1 } }"));
    }

    #[test]
    fn the_schema_has_the_words_of_the_types() {
        let schema: Value = serde_json::from_str(SCHEMA).expect("JSON");
        let environment = &schema["definitions"]["environment"]["properties"];
        let words = |of: &Value| {
            let words = of["enum"].as_array().expect("words");
            let words = words.iter().filter_map(Value::as_str);
            words.map(str::to_owned).collect::<BTreeSet<_>>()
        };
        let one = |key: &str| format!("environments: {{ a: {{ {key}: zzzzzz }} }}");
        let deploy =
            |key: &str| format!("environments: {{ a: {{ deploy: {{ {key}: zzzzzz }} }} }}");
        for (text, part) in [
            (one("type"), &environment["type"]),
            (one("tier"), &environment["tier"]),
            (
                deploy("health"),
                &environment["deploy"]["properties"]["health"],
            ),
            (
                deploy("on_failure"),
                &environment["deploy"]["properties"]["on_failure"],
            ),
            (
                "environments: { a: { database: { engine: zzzzzz } } }".into(),
                &environment["database"]["properties"]["engine"],
            ),
            (
                "bucket_sse: zzzzzz".into(),
                &schema["properties"]["bucket_sse"],
            ),
            (
                "bundle: { symlinks: zzzzzz }".into(),
                &schema["properties"]["bundle"]["properties"]["symlinks"],
            ),
            (
                "bundle: { pin_images: zzzzzz }".into(),
                &schema["properties"]["bundle"]["properties"]["pin_images"],
            ),
        ] {
            assert_eq!(words(part), known(&text), "{text}");
        }
    }
}
