"""`beanship bootstrap` of a network against moto's EC2, and an Elastic Beanstalk that shares nothing with it."""

from __future__ import annotations

from typing import Any

import pytest

from clients import Access
from drivers import PROJECT, Aws, Beanship, Project
from test_bootstrap_against_independent_aws import bootstrap, changes, ended

STAGING = """\
  staging:
    name: shop-staging
    branches: [next]
    instance_type: {type}
    deployer: {{ github: acme/shop }}
    network: {network}
"""
# An instance type that moto does not offer in zone c.
RARE = "m3.medium"
GROUPS = ["aws:autoscaling:launchconfiguration", "SecurityGroups"]

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def ec2(access: Access) -> Any:
    """boto3's EC2."""
    return access.boto3("ec2")


def declare(project: Project, network: str = "{ vpc: default }", more: str = "", kind: str = "t3.small") -> None:
    """Writes a project file whose staging has this network."""
    project.write("beanship.yml", PROJECT + STAGING.format(network=network, type=kind) + more)


def groups(ec2: Any, *names: str) -> list[dict[str, Any]]:
    """The security groups of these names."""
    return list(ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": list(names)}])["SecurityGroups"])


def options(aws: Aws, name: str = "shop-staging") -> dict[str, str]:
    """An environment's options that are about its network."""
    all_of_them = aws.environment(name)["options"]
    return {option: value for namespace, option, value in all_of_them if namespace == "aws:ec2:vpc" or option == GROUPS[1]}


def let_in(ec2: Any, group: str, port: int, **peer: Any) -> None:
    """Adds a rule by hand."""
    permission = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **peer}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])


def test_a_network_is_made_kept_and_taken_away(aws: Aws, ec2: Any, beanship: Beanship, project: Project) -> None:
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    database = ec2.create_security_group(GroupName="database", Description="theirs", VpcId=vpc)["GroupId"]
    own = ec2.create_security_group(GroupName="further", Description="theirs", VpcId=vpc)["GroupId"]
    declare(project, more=f"    security_groups: [{own}]\n")
    ended(bootstrap(beanship), "succeeded")
    (group,) = groups(ec2, "shop-staging-app")
    tags = {tag["Key"]: tag["Value"] for tag in group["Tags"]}
    assert tags == {"beanship:app": "shop", "beanship:environment": "shop-staging"}
    assert (group["VpcId"], group["IpPermissions"]) == (vpc, [])
    told = options(aws)
    assert told["SecurityGroups"] == f"{own},{group['GroupId']}"
    assert told["VPCId"] == vpc
    assert len(told["Subnets"].split(",")) == 3
    since = len(aws.calls)
    ended(bootstrap(beanship), "unchanged")
    ended(beanship("deploy", "--env", "staging", "--output", "json"), "succeeded")
    since = len(aws.calls)
    ended(bootstrap(beanship), "unchanged")
    assert changes(aws, since) == []
    # What somebody let in by hand is shown, and taken away once agreed to.
    let_in(ec2, group["GroupId"], 22, IpRanges=[{"CidrIp": "0.0.0.0/0"}])
    (line,) = ended(bootstrap(beanship, "--plan"), "planned")["plan"]
    assert line["verb"] == "delete", line
    assert line["detail"].startswith("allows ssh (22) from everywhere"), line
    ended(bootstrap(beanship, "--only", "network"), "succeeded")
    assert groups(ec2, "shop-staging-app")[0]["IpPermissions"] == []
    # A rule of others that names our group goes with it; the rest of theirs stays.
    let_in(ec2, database, 3306, UserIdGroupPairs=[{"GroupId": group["GroupId"]}])
    let_in(ec2, database, 3306, IpRanges=[{"CidrIp": "10.0.0.0/8"}])
    ended(bootstrap(beanship, "--destroy"), "succeeded")
    assert groups(ec2, "shop-staging-app") == []
    (theirs,) = groups(ec2, "database")
    assert [rule["IpRanges"] for rule in theirs["IpPermissions"]] == [[{"CidrIp": "10.0.0.0/8"}]]
    assert len(groups(ec2, "further")) == 1
    ended(bootstrap(beanship, "--destroy"), "unchanged")


def test_without_a_default_vpc_the_others_are_told(aws: Aws, ec2: Any, beanship: Beanship, project: Project) -> None:
    default = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    for subnet in ec2.describe_subnets()["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    ec2.delete_vpc(VpcId=default)
    declare(project)
    run = bootstrap(beanship)
    assert run.code == 2, run
    assert "make one with `aws ec2 create-default-vpc`" in run.document["error"]["hints"], run
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    run = bootstrap(beanship)
    assert (run.code, run.document["error"]["kind"]) == (2, "check"), run
    assert f"there is {vpc} (10.1.0.0/16)" in run.document["error"]["message"], run
    assert any(f"network: {{ vpc: {vpc} }}" in hint for hint in run.document["error"]["hints"]), run
    assert not [call for call in aws.calls if call.operation == "CreateSecurityGroup"]


def test_subnets_lead_out_and_offer_the_instance_type(aws: Aws, ec2: Any, beanship: Beanship, project: Project) -> None:
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.1.{number}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for number, zone in enumerate(zones)
    ]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnets[0])
    declare(project, f"{{ vpc: {vpc} }}")
    run = bootstrap(beanship)
    ended(run, "succeeded")
    assert "warning" not in run.stderr
    assert options(aws)["Subnets"] == subnets[0]
    assert options(aws)["AssociatePublicIpAddress"] == "true"
    # A subnet that leads nowhere can be asked for: that is a warning, and a replacement.
    declare(project, f"{{ vpc: {vpc}, subnets: {subnets[1]} }}")
    run = bootstrap(beanship, "--plan")
    assert f"no route leads out of {subnets[1]}" in run.stderr, run
    assert any("replaces the instances" in (line["detail"] or "") for line in run.document["plan"]), run
    declare(project, f"{{ vpc: {vpc}, subnets: [{', '.join(subnets)}] }}", kind=RARE)
    run = bootstrap(beanship)
    assert run.code == 2, run
    assert f"where {RARE} is not offered" in run.document["error"]["message"], run
    declare(project)
    run = bootstrap(beanship)
    assert run.code == 2, run
    assert "beanship moves no environment" in run.document["error"]["message"], run


def test_lost_answers_and_kills_leave_nothing_behind(aws: Aws, ec2: Any, beanship: Beanship, project: Project) -> None:
    declare(project)
    aws.control(faults=[{"kind": "lose", "operation": "CreateSecurityGroup"}])
    ended(bootstrap(beanship, "--only", "network"), "succeeded")
    assert len(groups(ec2, "shop-staging-app")) == 1
    aws.control(faults=[])
    since = len(aws.calls)
    ended(bootstrap(beanship, "--only", "network"), "unchanged")
    assert changes(aws, since) == []
    ended(bootstrap(beanship), "succeeded")
    # What is only used by something for a while is waited for.
    aws.control(faults=[{"kind": "error", "operation": "DeleteSecurityGroup", "code": "DependencyViolation"}])
    ended(bootstrap(beanship, "--destroy"), "succeeded")
    assert groups(ec2, "shop-staging-app") == []


def test_a_group_that_stays_in_use_is_not_waited_for_for_ever(
    aws: Aws, ec2: Any, beanship: Beanship, project: Project
) -> None:
    declare(project)
    ended(bootstrap(beanship), "succeeded")
    aws.control(faults=[{"kind": "error", "operation": "DeleteSecurityGroup", "code": "DependencyViolation", "times": 99}])
    run = bootstrap(beanship, "--destroy", "--timeout", "6s")
    error = run.document["error"]
    assert (run.code, error["code"]) == (3, "DependencyViolation"), run
    assert error["message"].endswith("cannot be deleted: something still uses it"), run
    assert "describe-network-interfaces" in error["hints"][0], run
    assert run.document["done"] == ["Terminated shop-staging"], run
    aws.control(faults=[])
    ended(bootstrap(beanship, "--destroy"), "succeeded")
    assert groups(ec2, "shop-staging-app") == []


def test_an_environment_of_others_keeps_what_it_has(
    aws: Aws, access: Access, ec2: Any, beanship: Beanship, project: Project
) -> None:
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    theirs = ec2.create_security_group(GroupName="theirs", Description="theirs", VpcId=vpc)["GroupId"]
    client = access.boto3("elasticbeanstalk")
    setting = {"Namespace": GROUPS[0], "OptionName": GROUPS[1], "Value": theirs}
    client.update_environment(EnvironmentName="shop-production", OptionSettings=[setting])
    project.write("beanship.yml", PROJECT + "    network: {}\n")
    arguments = ["bootstrap", "--env", "production", "--yes", "--output", "json"]
    made = ended(beanship(*arguments, "--only", "network"), "succeeded")
    (group,) = groups(ec2, "shop-production-app")
    assert options(aws, "shop-production") == {"SecurityGroups": f"{theirs},{group['GroupId']}"}
    assert "replaces the instances" in made["plan"][1]["detail"], made
    since = len(aws.calls)
    ended(beanship(*arguments, "--only", "network"), "unchanged")
    assert changes(aws, since) == []
    ended(beanship(*arguments, "--destroy"), "succeeded")
    assert options(aws, "shop-production") == {"SecurityGroups": theirs}
    assert groups(ec2, "shop-production-app") == []


def test_a_database_of_others_lets_the_environment_in(
    aws: Aws, access: Access, ec2: Any, beanship: Beanship, project: Project
) -> None:
    rds = access.boto3("rds")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]]
    theirs = ec2.create_security_group(GroupName="theirs", Description="theirs", VpcId=vpc)["GroupId"]
    rds.create_db_subnet_group(DBSubnetGroupName="theirs", DBSubnetGroupDescription="theirs", SubnetIds=subnets)
    rds.create_db_instance(
        DBInstanceIdentifier="theirs",
        DBInstanceClass="db.t4g.micro",
        Engine="postgres",
        MasterUsername="me",
        MasterUserPassword="longenough",
        AllocatedStorage=20,
        DBSubnetGroupName="theirs",
        VpcSecurityGroupIds=[theirs],
    )

    def attached() -> list[str]:
        (instance,) = rds.describe_db_instances(DBInstanceIdentifier="theirs")["DBInstances"]
        return [group["VpcSecurityGroupId"] for group in instance["VpcSecurityGroups"]]

    # Into a group that it has.
    declare(project, more=f"    database: {{ instance: theirs, security_group: {theirs} }}\n")
    ended(bootstrap(beanship), "succeeded")
    (app,) = groups(ec2, "shop-staging-app")
    (rule,) = groups(ec2, "theirs")[0]["IpPermissions"]
    assert (rule["FromPort"], rule["ToPort"]) == (5432, 5432)
    assert [pair["GroupId"] for pair in rule["UserIdGroupPairs"]] == [app["GroupId"]]
    since = len(aws.calls)
    ended(bootstrap(beanship), "unchanged")
    assert changes(aws, since) == []
    ended(bootstrap(beanship, "--destroy"), "succeeded")
    assert groups(ec2, "theirs")[0]["IpPermissions"] == []
    assert attached() == [theirs]
    # Into one that is made for it.
    declare(project, more="    database: { instance: theirs }\n")
    ended(bootstrap(beanship), "succeeded")
    (own,) = groups(ec2, "shop-staging-database")
    assert attached() == [theirs, own["GroupId"]]
    assert groups(ec2, "theirs")[0]["IpPermissions"] == []
    since = len(aws.calls)
    ended(bootstrap(beanship), "unchanged")
    assert changes(aws, since) == []
    ended(bootstrap(beanship, "--destroy"), "succeeded")
    assert attached() == [theirs]
    assert groups(ec2, "shop-staging-app", "shop-staging-database") == []
    declare(project, more="    database: { instance: others }\n")
    run = bootstrap(beanship)
    assert run.code == 2, run
    assert "there is no database others" in run.document["error"]["message"], run
