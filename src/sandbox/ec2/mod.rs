//! EC2, as far as networks go: VPCs, subnets, routes, security groups, and which zones offer what. It speaks a dialect of
//! its own: lists are numbered without a name between, answers have no result element, and errors another shape.

mod groups;
mod listing;
mod model;
mod networks;
mod offers;
mod routes;
mod rules;
mod tags;
#[cfg(test)]
pub(super) mod tests;

use std::io;

use self::model::{Books, Region, Tags};
use super::World;
use super::gateway::Call;
use super::query::{Failure, Parameters};
use super::xml::Xml;

pub(super) use self::model::zones;
pub(super) use self::offers::is_offered;

const NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";
const BOOKS: &str = "ec2";

/// What an operation works with.
struct Context<'a> {
    world: &'a World,
    call: &'a Call,
    region: &'a mut Region,
}

type Operation = fn(&mut Context<'_>, &mut Xml) -> Result<(), Failure>;

/// Carries out one call.
pub(super) fn answer(world: &World, call: &Call) -> Result<Xml, Failure> {
    let operation = operation(&call.operation).ok_or_else(|| {
        let message = format!(
            "The action {} is not valid for this web service.",
            call.operation
        );
        Failure::new("InvalidAction", message)
    })?;
    let answered = world.store.update(BOOKS, |books: &mut Books| {
        let region = region(books, &call.region);
        // What fails has changed nothing.
        let before = region.clone();
        let mut xml = Xml::new();
        let mut cx = Context {
            world,
            call,
            region,
        };
        let result = operation(&mut cx, &mut xml);
        if result.is_err() {
            *cx.region = before;
        }
        result.map(|()| xml)
    });
    answered?
}

fn region<'a>(books: &'a mut Books, name: &str) -> &'a mut Region {
    let usual = || Region::usual(name);
    books.entry(name.to_owned()).or_insert_with(usual)
}

fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateVpc" => networks::create_vpc,
        "DescribeVpcs" => networks::vpcs,
        "DeleteVpc" => networks::delete_vpc,
        "CreateSubnet" => networks::create_subnet,
        "DescribeSubnets" => networks::subnets,
        "DeleteSubnet" => networks::delete_subnet,
        "CreateInternetGateway" => routes::create_gateway,
        "AttachInternetGateway" => routes::attach,
        "DetachInternetGateway" => routes::detach,
        "DeleteInternetGateway" => routes::delete_gateway,
        "DescribeInternetGateways" => routes::gateways,
        "CreateRoute" => routes::create_route,
        "DescribeRouteTables" => routes::tables,
        "CreateSecurityGroup" => groups::create,
        "DescribeSecurityGroups" => groups::describe,
        "DeleteSecurityGroup" => groups::delete,
        "DescribeSecurityGroupRules" => rules::describe,
        "AuthorizeSecurityGroupIngress" => rules::authorize,
        "RevokeSecurityGroupIngress" => rules::revoke,
        "CreateTags" => tags::create,
        "DeleteTags" => tags::delete,
        "DescribeAvailabilityZones" => offers::availability_zones,
        "DescribeInstanceTypeOfferings" => offers::instance_types,
        "DescribeAccountAttributes" => offers::attributes,
        _ => return None,
    })
}

/// The answer to a call that was carried out.
pub(super) fn success(operation: &str, result: Xml, request_id: &str) -> Vec<u8> {
    let mut xml = Xml::new();
    xml.root(&format!("{operation}Response"), NAMESPACE, |xml| {
        xml.text("requestId", request_id);
        xml.append(result);
    });
    xml.into_bytes()
}

/// How EC2 says no.
pub(super) fn failure(failure: &Failure, request_id: &str) -> Vec<u8> {
    let mut xml = Xml::new();
    xml.group("Response", |xml| {
        xml.set("Errors", "Error", [failure], |xml, failure| {
            xml.text("Code", &failure.code);
            xml.text("Message", &failure.message);
        });
        xml.text("RequestID", request_id);
    });
    xml.into_bytes()
}

/// What other services call by another name.
pub(super) fn worded(failure: Failure) -> Failure {
    let (status, code) = match failure.code.as_str() {
        "AccessDenied" => (403, "UnauthorizedOperation"),
        "Throttling" => (503, "RequestLimitExceeded"),
        "InternalFailure" => (failure.status, "InternalError"),
        "SignatureDoesNotMatch" | "InvalidClientTokenId" => (401, "AuthFailure"),
        _ => return failure,
    };
    let message = match code {
        "UnauthorizedOperation" => format!(
            "You are not authorized to perform this operation. {}",
            failure.message
        ),
        "AuthFailure" => "AWS was not able to validate the provided access credentials".to_owned(),
        _ => failure.message,
    };
    Failure::with_status(status, code, message)
}

/// The ARN that IAM judges a call by; where AWS looks at several, the one that the call is about.
pub(super) fn resource(account: &str, call: &Call) -> String {
    let parameters = &call.parameters;
    let (operation, text) = (call.operation.as_str(), |name: &str| parameters.text(name));
    let named = |kind: &str, id: &str| format!("arn:aws:ec2:{}:{account}:{kind}/{id}", call.region);
    let about = match operation {
        "CreateSecurityGroup" => text("VpcId").map(|id| named("vpc", id)),
        "CreateTags" | "DeleteTags" => text("ResourceId.1").map(|id| named(kind_of(id), id)),
        _ if operation.starts_with("Describe") => None,
        _ => text("GroupId")
            .or_else(|| text("VpcId"))
            .or_else(|| text("SubnetId"))
            .map(|id| named(kind_of(id), id)),
    };
    about.unwrap_or_else(|| "*".to_owned())
}

/// The name that ARNs and tag specifications have for what an id stands for.
fn kind_of(id: &str) -> &'static str {
    match id.split('-').next().unwrap_or_default() {
        "vpc" => "vpc",
        "subnet" => "subnet",
        "igw" => "internet-gateway",
        "rtb" => "route-table",
        _ => "security-group",
    }
}

/// A region's network, as other services see it.
pub(super) struct Network(Region);

impl Network {
    pub(super) fn of(world: &World, name: &str) -> io::Result<Self> {
        let seen = |books: &mut Books| region(books, name).clone();
        world.store.update(BOOKS, seen).map(Self)
    }

    /// The VPC and the zone of a subnet.
    pub(super) fn subnet(&self, id: &str) -> Option<(&str, &str)> {
        let subnet = self.0.subnets.get(id)?;
        Some((&subnet.vpc, &subnet.zone))
    }

    /// The VPC of a security group.
    pub(super) fn group(&self, id: &str) -> Option<&str> {
        self.0.groups.get(id).map(|group| group.vpc.as_str())
    }

    /// The subnets of the default VPC.
    pub(super) fn default_subnets(&self) -> Vec<String> {
        let own = |subnet: &model::Subnet| Some(&subnet.vpc) == self.0.default_vpc();
        let all = self.0.subnets.iter();
        all.filter(|(_, subnet)| own(subnet))
            .map(|(id, _)| id.clone())
            .collect()
    }

    /// The group that a VPC came with.
    pub(super) fn default_group(&self, vpc: &str) -> Option<&String> {
        let mut all = self.0.groups.iter();
        all.find(|(_, group)| group.vpc == vpc && group.name == "default")
            .map(|(id, _)| id)
    }
}

impl Context<'_> {
    fn parameters(&self) -> &Parameters {
        &self.call.parameters
    }

    fn account(&self) -> &str {
        &self.world.account.id
    }

    fn arn(&self, id: &str) -> String {
        let kind = kind_of(id);
        format!(
            "arn:aws:ec2:{}:{}:{kind}/{id}",
            self.call.region,
            self.account()
        )
    }

    /// The tags that what is made shall have from the start.
    fn tags(&self, kind: &str) -> Result<Tags, Failure> {
        let specifications = self.parameters().flat_items("TagSpecification");
        let mut tags = Tags::new();
        for specification in specifications {
            let of = required(&specification, "ResourceType")?;
            if of != kind {
                let message =
                    format!("'{of}' is not a valid taggable resource type for this operation.");
                return Err(Failure::new("InvalidParameterValue", message));
            }
            tags.extend(tags::read(&specification)?);
        }
        Ok(tags)
    }
}

fn required<'p>(parameters: &'p Parameters, name: &str) -> Result<&'p str, Failure> {
    let missing = || {
        let message = format!("The request must contain the parameter {name}");
        Failure::new("MissingParameter", message)
    };
    parameters.text(name).ok_or_else(missing)
}

fn not_found(what: &str, id: &str) -> Failure {
    let (code, thing) = match what {
        "vpc" => ("InvalidVpcID.NotFound", "vpc ID"),
        "subnet" => ("InvalidSubnetID.NotFound", "subnet ID"),
        "igw" => ("InvalidInternetGatewayID.NotFound", "internetGateway ID"),
        "rtb" => ("InvalidRouteTableID.NotFound", "routeTable ID"),
        _ => ("InvalidGroup.NotFound", "security group"),
    };
    Failure::new(code, format!("The {thing} '{id}' does not exist"))
}

fn dependency(what: &str, id: &str) -> Failure {
    let message = format!("The {what} '{id}' has dependencies and cannot be deleted.");
    Failure::new("DependencyViolation", message)
}

/// What operations without an answer answer.
fn done(xml: &mut Xml) {
    xml.text("return", true);
}

fn write_tags(xml: &mut Xml, tags: &Tags) {
    xml.set("tagSet", "item", tags, |xml, (key, value)| {
        xml.text("key", key);
        xml.text("value", value);
    });
}
