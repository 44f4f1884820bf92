//! The engines, their versions, and which zones offer a class.

use super::super::ec2::{is_offered, zones};
use super::super::query::Failure;
use super::super::xml::Xml;
use super::{Context, combination, invalid, required};

/// An engine, its port, and its versions, oldest first; the last is the default.
const ENGINES: [(&str, u32, &[&str]); 3] = [
    ("mysql", 3306, &["8.0.42", "8.0.43", "8.4.6", "8.4.7"]),
    (
        "mariadb",
        3306,
        &["10.6.22", "10.11.14", "11.4.8", "11.8.3"],
    ),
    ("postgres", 5432, &["15.14", "16.10", "17.5", "17.6"]),
];

/// Families of classes that there are.
const CLASSES: [&str; 8] = ["t3", "t4g", "m5", "m6g", "m7g", "r5", "r6g", "t2"];
const SIZES: [&str; 6] = ["micro", "small", "medium", "large", "xlarge", "2xlarge"];

/// The port and the versions of an engine.
pub(super) fn engine(name: &str) -> Result<(u32, &'static [&'static str]), Failure> {
    let found = ENGINES.iter().find(|(engine, ..)| *engine == name);
    found
        .map(|(_, port, versions)| (*port, *versions))
        .ok_or_else(|| invalid("Invalid DB engine"))
}

/// The version that is meant: the newest of it, where only its beginning is said.
pub(super) fn version(engine: &str, wanted: Option<&str>) -> Result<String, Failure> {
    let (_, versions) = self::engine(engine)?;
    let begins = |version: &&&str| {
        wanted.is_none_or(|wanted| {
            let rest = version.strip_prefix(wanted);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    };
    let found = versions.iter().rev().find(begins);
    let wanted = wanted.unwrap_or_default();
    found
        .map(|version| (*version).to_owned())
        .ok_or_else(|| combination(format!("Cannot find version {wanted} for {engine}")))
}

/// Whether a zone offers a class, `db.t3.micro`.
pub(super) fn offers(class: &str, zone: &str) -> bool {
    let kind = class.strip_prefix("db.").unwrap_or_default();
    let (family, size) = kind.split_once('.').unwrap_or_default();
    CLASSES.contains(&family) && SIZES.contains(&size) && is_offered(kind, zone)
}

pub(super) fn orderable(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let parameters = cx.parameters();
    let name = required(parameters, "Engine")?;
    let (_, versions) = engine(name)?;
    let class = parameters.text("DBInstanceClass");
    let version = parameters.text("EngineVersion");
    let classes = CLASSES
        .iter()
        .flat_map(|family| SIZES.map(|size| format!("db.{family}.{size}")))
        .filter(|it| class.is_none_or(|class| class == it));
    let mut found = Vec::new();
    for class in classes {
        let here: Vec<String> = zones(&cx.call.region)
            .into_iter()
            .filter(|zone| offers(&class, zone))
            .collect();
        let versions = versions.iter();
        let versions = versions.filter(|it| version.is_none_or(|version| version == **it));
        found.extend(versions.map(|version| (class.clone(), *version, here.clone())));
    }
    let (page, marker) = cx.page(found)?;
    let (list, member) = ("OrderableDBInstanceOptions", "OrderableDBInstanceOption");
    xml.set(list, member, page, |xml, (class, version, zones)| {
        xml.text("Engine", name);
        xml.text("EngineVersion", version);
        xml.text("DBInstanceClass", class);
        xml.text("LicenseModel", license(name));
        xml.set(
            "AvailabilityZones",
            "AvailabilityZone",
            zones,
            |xml, zone| {
                xml.text("Name", zone);
            },
        );
        xml.text("MultiAZCapable", true);
        xml.text("Vpc", true);
        xml.text("SupportsStorageEncryption", true);
        xml.text("StorageType", "gp3");
        xml.text("MinStorageSize", 20);
        xml.text("MaxStorageSize", 65_536);
    });
    xml.maybe("Marker", marker);
    Ok(())
}

pub(super) fn versions(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let parameters = cx.parameters();
    let engine = parameters.text("Engine");
    let version = parameters.text("EngineVersion");
    let only_default = parameters.flag("DefaultOnly")? == Some(true);
    let all = ENGINES.iter().flat_map(|(engine, _, versions)| {
        let last = versions.last();
        versions
            .iter()
            .map(move |it| (*engine, *it, Some(it) == last))
    });
    let wanted = all.filter(|(name, it, is_default)| {
        engine.is_none_or(|engine| engine == *name)
            && version.is_none_or(|version| it.starts_with(version))
            && (!only_default || *is_default)
    });
    let (page, marker) = cx.page(wanted.collect())?;
    xml.set(
        "DBEngineVersions",
        "DBEngineVersion",
        page,
        |xml, (name, it, _)| {
            xml.text("Engine", name);
            xml.text("MajorEngineVersion", major(name, it));
            xml.text("EngineVersion", it);
            xml.text(
                "DBParameterGroupFamily",
                format!("{name}{}", major(name, it)),
            );
            xml.text("DBEngineDescription", name);
            xml.text("Status", "available");
        },
    );
    xml.maybe("Marker", marker);
    Ok(())
}

/// PostgreSQL's major versions have one number, the others' two.
pub(super) fn major<'a>(engine: &str, version: &'a str) -> &'a str {
    let end = version
        .match_indices('.')
        .nth(usize::from(engine != "postgres"));
    end.map_or(version, |(at, _)| &version[..at])
}

pub(super) fn license(engine: &str) -> &'static str {
    match engine {
        "postgres" => "postgresql-license",
        _ => "general-public-license",
    }
}
