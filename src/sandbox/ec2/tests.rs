//! The service without HTTP: calls in, XML out.

use jiff::Timestamp;
use tempfile::TempDir;

use super::super::World;
use super::super::account;
use super::super::faults::Faults;
use super::super::gateway::Call;
use super::super::query::Parameters;
use super::super::s3::storage::Storage;
use super::super::state::Store;

/// An empty account, and what keeps its state.
pub(in super::super) fn world() -> (World, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let storage = Storage::open(&store).unwrap();
    let account = account::open(&store, |_| Ok(())).unwrap();
    let faults = Faults::open(&store).unwrap();
    let world = World {
        endpoint: "http://127.0.0.1:1".into(),
        account,
        store,
        storage,
        faults,
    };
    (world, directory)
}

/// One call of a form, `millis` after the year 2026 began.
pub(in super::super) fn call(service: &str, form: &str, millis: i64) -> Call {
    let parameters = Parameters::parse(form.as_bytes());
    Call {
        service: service.to_owned(),
        operation: parameters.text("Action").unwrap().to_owned(),
        parameters,
        region: "eu-west-1".to_owned(),
        request_id: "r".to_owned(),
        now: Timestamp::from_millisecond(1_767_225_600_000 + millis).unwrap(),
        key: None,
    }
}

/// The texts of all elements of this name.
pub(in super::super) fn texts(xml: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(&open)
        .skip(1)
        .filter_map(|rest| rest.split(&close).next())
        .map(str::to_owned)
        .collect()
}

/// The answer to a form, or code and message.
fn ask(world: &World, form: &str) -> Result<String, String> {
    super::answer(world, &call("ec2", form, 0))
        .map(|xml| String::from_utf8(xml.into_bytes()).unwrap())
        .map_err(|failure| format!("{}: {}", failure.code, failure.message))
}

fn one(world: &World, form: &str, name: &str) -> String {
    texts(&ask(world, form).unwrap(), name).remove(0)
}

#[test]
fn a_region_begins_with_a_network_that_leads_out() {
    let (world, _directory) = world();
    let vpc = one(
        &world,
        "Action=DescribeVpcs&Filter.1.Name=is-default&Filter.1.Value.1=true",
        "vpcId",
    );
    let subnets = ask(
        &world,
        &format!("Action=DescribeSubnets&Filter.1.Name=vpc-id&Filter.1.Value.1={vpc}"),
    )
    .unwrap();
    let mut zones = texts(&subnets, "availabilityZone");
    zones.sort();
    assert_eq!(zones, ["eu-west-1a", "eu-west-1b", "eu-west-1c"]);
    let tables = ask(&world, "Action=DescribeRouteTables").unwrap();
    assert_eq!(
        texts(&tables, "destinationCidrBlock"),
        ["172.31.0.0/16", "0.0.0.0/0"]
    );
    assert_eq!(texts(&tables, "state"), ["associated", "active", "active"]);
    let unknown = ask(&world, "Action=DescribeVpcs&VpcId.1=vpc-1").unwrap_err();
    assert_eq!(
        unknown,
        "InvalidVpcID.NotFound: The vpc ID 'vpc-1' does not exist"
    );
}

#[test]
fn rules_let_groups_in_once() {
    let (world, _directory) = world();
    let create = |name: &str| {
        let form =
            format!("Action=CreateSecurityGroup&GroupName={name}&GroupDescription=for+{name}");
        ask(&world, &form)
    };
    let app = texts(&create("app").unwrap(), "groupId").remove(0);
    let db = texts(&create("db").unwrap(), "groupId").remove(0);
    assert!(
        create("db")
            .unwrap_err()
            .starts_with("InvalidGroup.Duplicate: The security group 'db' already exists for VPC")
    );
    let rule = format!(
        "GroupId={db}&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=3306&IpPermissions.1.ToPort=3306\
         &IpPermissions.1.Groups.1.GroupId={app}&IpPermissions.1.Groups.1.Description=app"
    );
    let authorize = format!("Action=AuthorizeSecurityGroupIngress&{rule}");
    ask(&world, &authorize).unwrap();
    assert_eq!(
        ask(&world, &authorize).unwrap_err(),
        format!(
            "InvalidPermission.Duplicate: the specified rule \"peer: {app}, TCP, from port: 3306, to port: 3306, ALLOW\" \
             already exists"
        )
    );
    let seen = ask(
        &world,
        &format!("Action=DescribeSecurityGroups&GroupId.1={db}"),
    )
    .unwrap();
    assert_eq!(texts(&seen, "fromPort"), ["3306"]);
    let delete = |id: &str| ask(&world, &format!("Action=DeleteSecurityGroup&GroupId={id}"));
    assert_eq!(
        delete(&app).unwrap_err(),
        format!("DependencyViolation: resource {app} has a dependent object")
    );
    let revoke = format!("Action=RevokeSecurityGroupIngress&{rule}");
    ask(&world, &revoke).unwrap();
    assert_eq!(
        ask(&world, &revoke).unwrap_err(),
        "InvalidPermission.NotFound: The specified rule does not exist in this security group."
    );
    delete(&app).unwrap();
    assert_eq!(
        delete(&app).unwrap_err(),
        format!("InvalidGroup.NotFound: The security group '{app}' does not exist")
    );
}

#[test]
fn lists_come_in_pages_and_filters_are_checked() {
    let (world, _directory) = world();
    let form = "Action=DescribeInstanceTypeOfferings&LocationType=availability-zone&Filter.1.Name=instance-type\
                &Filter.1.Value.1=t2.*";
    let all = ask(&world, form).unwrap();
    // The last zone never had that family.
    assert_eq!(texts(&all, "location").len(), 14);
    let first = ask(&world, &format!("{form}&MaxResults=10")).unwrap();
    let token = texts(&first, "nextToken").remove(0);
    let rest = ask(&world, &format!("{form}&MaxResults=10&NextToken={token}")).unwrap();
    assert_eq!(texts(&rest, "location").len(), 4);
    assert!(texts(&rest, "nextToken").is_empty());
    assert_eq!(
        ask(
            &world,
            "Action=DescribeVpcs&Filter.1.Name=colour&Filter.1.Value.1=red"
        )
        .unwrap_err(),
        "InvalidParameterValue: The filter 'colour' is invalid"
    );
}
