//! What a region has: its zones, and the types of instances that each of them offers.

use super::super::query::Failure;
use super::super::xml::Xml;
use super::listing::{Filters, one};
use super::model::{Tags, zones};
use super::{Context, not_found};

/// Families that every zone offers.
const FAMILIES: [&str; 14] = [
    "t3", "t3a", "t4g", "m5", "m6i", "m6g", "m7i", "m7g", "c5", "c6i", "c7g", "r5", "r6g", "r7g",
];
/// Families of yesterday, which the last zone never had.
const OLD: [&str; 4] = ["t2", "m4", "c4", "r4"];
const SIZES: [&str; 7] = [
    "nano", "micro", "small", "medium", "large", "xlarge", "2xlarge",
];

/// Whether a zone offers a type of instance, `t3.micro`; databases have the same types, with `db.` before them.
pub(in super::super) fn is_offered(kind: &str, zone: &str) -> bool {
    let Some((family, size)) = kind.split_once('.') else {
        return false;
    };
    SIZES.contains(&size)
        && (FAMILIES.contains(&family) || OLD.contains(&family) && !zone.ends_with('c'))
}

pub(super) fn availability_zones(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let region = &cx.call.region;
    let filters = Filters::read(cx.parameters())?;
    let mut found = Vec::new();
    for zone in zones(region)
        .into_iter()
        .filter(|zone| cx.wants("ZoneName", zone))
    {
        let held = filters.hold(&Tags::new(), |name| match name {
            "zone-name" => one(&zone),
            "region-name" | "group-name" => one(region),
            "state" => one("available"),
            "zone-type" => one("availability-zone"),
            "opt-in-status" => one("opt-in-not-required"),
            _ => None,
        })?;
        found.extend(held.then_some(zone));
    }
    xml.set("availabilityZoneInfo", "item", found, |xml, zone| {
        xml.text("optInStatus", "opt-in-not-required");
        xml.text("regionName", region);
        xml.text("zoneName", &zone);
        xml.text("groupName", region);
        xml.text("networkBorderGroup", region);
        xml.text("zoneType", "availability-zone");
        xml.text("zoneState", "available");
    });
    Ok(())
}

/// By region, unless zones are asked for.
pub(super) fn instance_types(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let by_zone = match cx.parameters().text("LocationType") {
        None | Some("region") => false,
        Some("availability-zone") => true,
        Some(other) => {
            let message = format!("Value ({other}) for parameter locationType is invalid.");
            return Err(Failure::new("InvalidParameterValue", message));
        }
    };
    let filters = Filters::read(cx.parameters())?;
    let names = zones(&cx.call.region);
    let locations = match by_zone {
        true => names.to_vec(),
        false => vec![cx.call.region.clone()],
    };
    let families = FAMILIES.iter().chain(&OLD);
    let types = families.flat_map(|family| SIZES.map(|size| format!("{family}.{size}")));
    let mut found = Vec::new();
    for kind in types {
        for location in &locations {
            let held = filters.hold(&Tags::new(), |name| match name {
                "instance-type" => one(&kind),
                "location" => one(location),
                _ => None,
            })?;
            let offered = !by_zone || is_offered(&kind, location);
            found.extend((held && offered).then(|| (kind.clone(), location.clone())));
        }
    }
    cx.page(
        xml,
        "instanceTypeOfferingSet",
        found,
        |xml, (kind, location)| {
            xml.text("instanceType", kind);
            xml.text(
                "locationType",
                if by_zone {
                    "availability-zone"
                } else {
                    "region"
                },
            );
            xml.text("location", location);
        },
    )
}

pub(super) fn attributes(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let default = cx.region.default_vpc();
    let all = [
        ("supported-platforms", "VPC"),
        ("default-vpc", default.map_or("none", String::as_str)),
        ("max-instances", "20"),
    ];
    cx.check("AttributeName", "attribute", |name| {
        all.iter().any(|it| it.0 == name)
    })
    .map_err(|_| not_an_attribute())?;
    let wanted = all
        .iter()
        .filter(|(name, _)| cx.wants("AttributeName", name));
    xml.set(
        "accountAttributeSet",
        "item",
        wanted,
        |xml, (name, value)| {
            xml.text("attributeName", name);
            xml.set("attributeValueSet", "item", [value], |xml, value| {
                xml.text("attributeValue", value);
            });
        },
    );
    Ok(())
}

fn not_an_attribute() -> Failure {
    let mut failure = not_found("attribute", "");
    failure.code = "InvalidParameterValue".to_owned();
    failure.message = "Value for parameter attributeName is invalid. Unknown attribute.".to_owned();
    failure
}
