"""EC2's and RDS' part of `beanship sandbox`, served to boto3 and awscli.

Every operation that the sandbox serves is called, and botocore's model judges every answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clients import awscli
from drivers import ENVIRONMENT, await_true
from test_sandbox_with_real_clients import Sandbox, ready, refusal, start, stop


@pytest.fixture(scope="module")
def network_sandbox(binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    running = start(binary, tmp_path_factory.mktemp("sandbox"))
    yield running
    stop(running)


@pytest.fixture
def ec2(network_sandbox: Sandbox) -> Any:
    return network_sandbox.access.boto3("ec2")


@pytest.fixture
def rds(network_sandbox: Sandbox) -> Any:
    return network_sandbox.access.boto3("rds")


def named(**filters: str) -> list[dict[str, Any]]:
    return [{"Name": name.replace("_", "-"), "Values": [value]} for name, value in filters.items()]


def tagged(kind: str, **tags: str) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]


def rule(port: int, group: str) -> list[dict[str, Any]]:
    peer = {"GroupId": group, "Description": "app"}
    return [{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "UserIdGroupPairs": [peer]}]


# --- EC2


def test_a_region_has_a_default_network(ec2: Any) -> None:
    (vpc,) = ec2.describe_vpcs(Filters=named(is_default="true"))["Vpcs"]
    assert (vpc["IsDefault"], vpc["State"]) == (True, "available")
    subnets = ec2.describe_subnets(Filters=[*named(vpc_id=vpc["VpcId"]), *named(default_for_az="true")])["Subnets"]
    assert sorted(subnet["AvailabilityZone"][-1] for subnet in subnets) == ["a", "b", "c"]
    assert all(subnet["MapPublicIpOnLaunch"] and subnet["AvailableIpAddressCount"] == 4091 for subnet in subnets)
    (table,) = ec2.describe_route_tables(Filters=named(vpc_id=vpc["VpcId"]))["RouteTables"]
    assert table["Associations"][0]["Main"] is True
    out = next(route for route in table["Routes"] if route["DestinationCidrBlock"] == "0.0.0.0/0")
    gateways = ec2.describe_internet_gateways(InternetGatewayIds=[out["GatewayId"]])["InternetGateways"]
    assert gateways[0]["Attachments"][0]["VpcId"] == vpc["VpcId"]
    zones = ec2.describe_availability_zones()["AvailabilityZones"]
    assert {zone["ZoneName"] for zone in zones} == {subnet["AvailabilityZone"] for subnet in subnets}
    attributes = ec2.describe_account_attributes(AttributeNames=["default-vpc"])["AccountAttributes"]
    assert attributes[0]["AttributeValues"] == [{"AttributeValue": vpc["VpcId"]}]


def test_networks_are_made_and_go(ec2: Any) -> None:
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tagged("vpc", Name="mine"))["Vpc"]["VpcId"]
    assert [it["VpcId"] for it in ec2.describe_vpcs(Filters=named(**{"tag:Name": "mine"}))["Vpcs"]] == [vpc]
    region = ec2.meta.region_name
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24", AvailabilityZone=f"{region}b")["Subnet"]
    assert (subnet["AvailabilityZone"], subnet["MapPublicIpOnLaunch"]) == (f"{region}b", False)
    assert refusal(ec2.create_subnet, VpcId=vpc, CidrBlock="10.0.1.0/25") == ("InvalidSubnet.Conflict", 400)
    assert refusal(ec2.create_subnet, VpcId=vpc, CidrBlock="10.1.0.0/24") == ("InvalidSubnet.Range", 400)
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    (table,) = ec2.describe_route_tables(Filters=named(vpc_id=vpc))["RouteTables"]
    route = {"RouteTableId": table["RouteTableId"], "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": gateway}
    assert refusal(ec2.create_route, **route) == ("InvalidParameterValue", 400)
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    assert ec2.create_route(**route)["Return"] is True
    assert refusal(ec2.create_route, **route) == ("RouteAlreadyExists", 400)
    assert refusal(ec2.delete_internet_gateway, InternetGatewayId=gateway) == ("DependencyViolation", 400)
    assert refusal(ec2.delete_vpc, VpcId=vpc) == ("DependencyViolation", 400)
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.delete_internet_gateway(InternetGatewayId=gateway)
    ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    ec2.delete_vpc(VpcId=vpc)
    assert refusal(ec2.describe_vpcs, VpcIds=[vpc]) == ("InvalidVpcID.NotFound", 400)
    assert refusal(ec2.describe_subnets, SubnetIds=[subnet["SubnetId"]]) == ("InvalidSubnetID.NotFound", 400)


def test_security_groups_let_in_and_are_in_use(ec2: Any) -> None:
    (vpc,) = ec2.describe_vpcs(Filters=named(is_default="true"))["Vpcs"]
    common = {"VpcId": vpc["VpcId"], "Description": "of a test"}
    app = ec2.create_security_group(GroupName="app", TagSpecifications=tagged("security-group", team="shop"), **common)
    assert app["Tags"] == [{"Key": "team", "Value": "shop"}]
    db = ec2.create_security_group(GroupName="db", **common)["GroupId"]
    app = app["GroupId"]
    assert refusal(ec2.create_security_group, GroupName="db", **common) == ("InvalidGroup.Duplicate", 400)
    allowed = ec2.authorize_security_group_ingress(GroupId=db, IpPermissions=rule(3306, app))
    assert allowed["Return"] is True
    assert refusal(ec2.authorize_security_group_ingress, GroupId=db, IpPermissions=rule(3306, app)) == (
        "InvalidPermission.Duplicate",
        400,
    )
    (seen,) = ec2.describe_security_groups(GroupIds=[db])["SecurityGroups"]
    (permission,) = seen["IpPermissions"]
    assert (permission["FromPort"], permission["ToPort"], permission["IpProtocol"]) == (3306, 3306, "tcp")
    assert [(peer["GroupId"], peer["Description"]) for peer in permission["UserIdGroupPairs"]] == [(app, "app")]
    assert seen["IpPermissionsEgress"][0]["IpProtocol"] == "-1"
    by_rule = ec2.describe_security_groups(Filters=named(**{"ip-permission.group-id": app}))["SecurityGroups"]
    assert [group["GroupId"] for group in by_rule] == [db]
    rules = ec2.describe_security_group_rules(Filters=named(group_id=db))["SecurityGroupRules"]
    assert {it["SecurityGroupRuleId"] for it in allowed["SecurityGroupRules"]} <= {it["SecurityGroupRuleId"] for it in rules}
    assert refusal(ec2.delete_security_group, GroupId=app) == ("DependencyViolation", 400)
    ec2.revoke_security_group_ingress(GroupId=db, IpPermissions=rule(3306, app))
    assert refusal(ec2.revoke_security_group_ingress, GroupId=db, IpPermissions=rule(3306, app)) == (
        "InvalidPermission.NotFound",
        400,
    )
    ec2.create_tags(Resources=[db], Tags=[{"Key": "team", "Value": "shop"}, {"Key": "x", "Value": "y"}])
    ec2.delete_tags(Resources=[db], Tags=[{"Key": "x"}])
    found = ec2.describe_security_groups(Filters=named(**{"tag:team": "shop"}))["SecurityGroups"]
    assert {group["GroupId"] for group in found} == {app, db}
    assert all(len(group["Tags"]) == 1 for group in found)
    ec2.delete_security_group(GroupId=db)
    ec2.delete_security_group(GroupName="app")
    assert refusal(ec2.delete_security_group, GroupId=app) == ("InvalidGroup.NotFound", 400)
    assert refusal(ec2.delete_security_group, GroupId="nonsense") == ("InvalidGroupId.Malformed", 400)


def test_an_environment_holds_its_groups(network_sandbox: Sandbox, ec2: Any) -> None:
    beanstalk = network_sandbox.access.boto3("elasticbeanstalk")
    (vpc,) = ec2.describe_vpcs(Filters=named(is_default="true"))["Vpcs"]
    group = ec2.create_security_group(GroupName="instances", Description="x", VpcId=vpc["VpcId"])["GroupId"]
    subnets = ec2.describe_subnets(Filters=named(vpc_id=vpc["VpcId"]))["Subnets"]

    def update(**options: str) -> None:
        ready(beanstalk)
        namespaces = {"SecurityGroups": "aws:autoscaling:launchconfiguration"}
        settings = [
            {"Namespace": namespaces.get(name, "aws:ec2:vpc"), "OptionName": name, "Value": value}
            for name, value in options.items()
        ]
        beanstalk.update_environment(EnvironmentName=ENVIRONMENT, OptionSettings=settings)
        ready(beanstalk)

    ids = ",".join(subnet["SubnetId"] for subnet in subnets)
    update(SecurityGroups=group, VPCId=vpc["VpcId"], Subnets=ids, AssociatePublicIpAddress="true")
    assert refusal(ec2.delete_security_group, GroupId=group) == ("DependencyViolation", 400)
    update(SecurityGroups="")
    ec2.delete_security_group(GroupId=group)


def test_instance_types_are_offered_in_zones(ec2: Any) -> None:
    def zones(kind: str) -> list[str]:
        pages = ec2.get_paginator("describe_instance_type_offerings").paginate(
            LocationType="availability-zone", Filters=named(instance_type=kind), PaginationConfig={"PageSize": 5}
        )
        return sorted(offer["Location"][-1] for page in pages for offer in page["InstanceTypeOfferings"])

    assert zones("t3.small") == ["a", "b", "c"]
    assert zones("t2.small") == ["a", "b"]
    assert zones("t3.huge") == []


def test_awscli_reads_networks_and_databases(network_sandbox: Sandbox) -> None:
    for arguments, said in [
        (["ec2", "describe-vpcs"], "172.31.0.0/16"),
        (["ec2", "describe-subnets", "--filters", "Name=default-for-az,Values=true"], "SubnetId"),
        (["ec2", "describe-security-groups", "--group-names", "default"], "default VPC security group"),
        (["ec2", "describe-route-tables"], "igw-"),
        (["rds", "describe-db-instances"], "DBInstances"),
        (["rds", "describe-db-engine-versions", "--engine", "postgres", "--default-only"], "postgres17"),
    ]:
        done = awscli(network_sandbox.access, network_sandbox.home, *arguments)
        assert done.code == 0, done
        assert said in done.stdout, done
    done = awscli(network_sandbox.access, network_sandbox.home, "ec2", "describe-instances")
    assert done.code != 0
    assert "InvalidAction" in done.stderr, done


# --- RDS


def group_of(ec2: Any, name: str) -> tuple[str, list[str]]:
    (vpc,) = ec2.describe_vpcs(Filters=named(is_default="true"))["Vpcs"]
    subnets = ec2.describe_subnets(Filters=named(vpc_id=vpc["VpcId"]))["Subnets"]
    group = ec2.create_security_group(GroupName=name, Description="x", VpcId=vpc["VpcId"])["GroupId"]
    return group, [subnet["SubnetId"] for subnet in subnets]


def test_a_database_comes_changes_and_goes(ec2: Any, rds: Any) -> None:
    group, subnets = group_of(ec2, "database")
    common = {"DBSubnetGroupDescription": "x"}
    tags = [{"Key": "team", "Value": "shop"}]
    made = rds.create_db_subnet_group(DBSubnetGroupName="Shop", SubnetIds=subnets, Tags=tags, **common)["DBSubnetGroup"]
    assert (made["DBSubnetGroupName"], len(made["Subnets"])) == ("shop", 3)
    assert refusal(rds.create_db_subnet_group, DBSubnetGroupName="shop", SubnetIds=subnets, **common) == (
        "DBSubnetGroupAlreadyExists",
        400,
    )
    assert refusal(rds.create_db_subnet_group, DBSubnetGroupName="one", SubnetIds=subnets[:1], **common) == (
        "DBSubnetGroupDoesNotCoverEnoughAZs",
        400,
    )
    rds.modify_db_subnet_group(DBSubnetGroupName="shop", SubnetIds=subnets[:2])
    database = rds.create_db_instance(
        DBInstanceIdentifier="shop",
        Engine="postgres",
        DBInstanceClass="db.t4g.micro",
        AllocatedStorage=20,
        DBName="shop",
        MasterUsername="app",
        MasterUserPassword="hunter22hunter22",
        VpcSecurityGroupIds=[group],
        DBSubnetGroupName="shop",
        StorageEncrypted=True,
        PubliclyAccessible=False,
        DeletionProtection=True,
        BackupRetentionPeriod=7,
        Tags=tags,
    )["DBInstance"]
    assert (database["DBInstanceStatus"], database.get("Endpoint")) == ("creating", None)
    assert refusal(ec2.delete_security_group, GroupId=group) == ("DependencyViolation", 400)

    def seen() -> dict[str, Any]:
        return dict(rds.describe_db_instances(DBInstanceIdentifier="shop")["DBInstances"][0])

    def available() -> dict[str, Any]:
        return await_true(lambda: (it := seen())["DBInstanceStatus"] == "available" and it, seconds=30, what="available")

    there = available()
    assert (there["Endpoint"]["Port"], there["DBSubnetGroup"]["DBSubnetGroupName"]) == (5432, "shop")
    assert rds.list_tags_for_resource(ResourceName=there["DBInstanceArn"])["TagList"] == tags
    rds.add_tags_to_resource(ResourceName=there["DBInstanceArn"], Tags=[{"Key": "a", "Value": "b"}])
    rds.remove_tags_from_resource(ResourceName=there["DBInstanceArn"], TagKeys=["team"])
    assert seen()["TagList"] == [{"Key": "a", "Value": "b"}]
    waits = rds.modify_db_instance(DBInstanceIdentifier="shop", AllocatedStorage=30)["DBInstance"]
    assert (waits["AllocatedStorage"], waits["PendingModifiedValues"]["AllocatedStorage"]) == (20, 30)
    rds.modify_db_instance(DBInstanceIdentifier="shop", AllocatedStorage=30, ApplyImmediately=True)
    assert refusal(rds.modify_db_instance, DBInstanceIdentifier="shop", MultiAZ=True) == ("InvalidDBInstanceState", 400)
    assert available()["AllocatedStorage"] == 30
    delete = {"DBInstanceIdentifier": "shop", "FinalDBSnapshotIdentifier": "shop-final"}
    assert refusal(rds.delete_db_instance, **delete) == ("InvalidParameterCombination", 400)
    rds.modify_db_instance(DBInstanceIdentifier="shop", DeletionProtection=False)
    assert refusal(rds.delete_db_instance, DBInstanceIdentifier="shop") == ("InvalidParameterCombination", 400)
    assert refusal(rds.delete_db_subnet_group, DBSubnetGroupName="shop") == ("InvalidDBSubnetGroupStateFault", 400)
    assert rds.delete_db_instance(**delete)["DBInstance"]["DBInstanceStatus"] == "deleting"
    await_true(lambda: rds.describe_db_instances()["DBInstances"] == [], seconds=30, what="gone")
    assert refusal(rds.describe_db_instances, DBInstanceIdentifier="shop") == ("DBInstanceNotFound", 404)
    (snapshot,) = rds.describe_db_snapshots(DBInstanceIdentifier="shop")["DBSnapshots"]
    assert (snapshot["Status"], snapshot["SnapshotType"], snapshot["Encrypted"]) == ("available", "manual", True)
    rds.delete_db_snapshot(DBSnapshotIdentifier="shop-final")
    rds.delete_db_subnet_group(DBSubnetGroupName="shop")
    assert refusal(rds.describe_db_subnet_groups, DBSubnetGroupName="shop") == ("DBSubnetGroupNotFoundFault", 404)
    ec2.delete_security_group(GroupId=group)


def test_rds_keeps_a_password_where_it_is_asked_to(network_sandbox: Sandbox, rds: Any) -> None:
    database = rds.create_db_instance(
        DBInstanceIdentifier="managed",
        Engine="mysql",
        DBInstanceClass="db.t3.micro",
        AllocatedStorage=20,
        MasterUsername="app",
        ManageMasterUserPassword=True,
        BackupRetentionPeriod=0,
    )["DBInstance"]
    secret = database["MasterUserSecret"]["SecretArn"]
    assert ":secret:rds!db-" in secret
    value = network_sandbox.access.boto3("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]
    assert '"username":"app"' in value.replace(" ", "")
    waiter = rds.get_waiter("db_instance_available")
    quick = {"Delay": 1, "MaxAttempts": 30}
    waiter.wait(DBInstanceIdentifier="managed", WaiterConfig=quick)
    secrets = network_sandbox.access.boto3("secretsmanager")
    told = secrets.describe_secret(SecretId=secret)
    tags = {tag["Key"]: tag["Value"] for tag in told["Tags"]}
    assert tags["aws:rds:primaryDBInstanceArn"] == database["DBInstanceArn"]
    assert (told["OwningService"], told["RotationRules"]["AutomaticallyAfterDays"]) == ("rds", 7)
    # Another password is made at once or not at all.
    assert refusal(rds.modify_db_instance, DBInstanceIdentifier="managed", RotateMasterUserPassword=True) == (
        "InvalidParameterCombination",
        400,
    )
    rds.modify_db_instance(DBInstanceIdentifier="managed", RotateMasterUserPassword=True, ApplyImmediately=True)
    waiter.wait(DBInstanceIdentifier="managed", WaiterConfig=quick)
    assert secrets.get_secret_value(SecretId=secret)["SecretString"] != value
    (seen,) = rds.describe_db_instances(DBInstanceIdentifier="managed")["DBInstances"]
    assert seen["MasterUserSecret"]["SecretStatus"] == "active"
    # Whoever takes over brings a password.
    keeps_none = {"DBInstanceIdentifier": "managed", "ManageMasterUserPassword": False, "ApplyImmediately": True}
    assert refusal(rds.modify_db_instance, **keeps_none) == ("InvalidParameterCombination", 400)
    rds.modify_db_instance(**keeps_none, MasterUserPassword="long-enough")
    waiter.wait(DBInstanceIdentifier="managed", WaiterConfig=quick)
    assert refusal(secrets.describe_secret, SecretId=secret) == ("ResourceNotFoundException", 400)
    rds.delete_db_instance(DBInstanceIdentifier="managed", SkipFinalSnapshot=True)
    gone = rds.get_waiter("db_instance_deleted")
    gone.wait(DBInstanceIdentifier="managed", WaiterConfig=quick)


def test_classes_are_offered_in_zones(rds: Any) -> None:
    def zones(kind: str) -> set[str]:
        pages = rds.get_paginator("describe_orderable_db_instance_options").paginate(Engine="mysql", DBInstanceClass=kind)
        options = [option for page in pages for option in page["OrderableDBInstanceOptions"]]
        return {zone["Name"][-1] for option in options for zone in option["AvailabilityZones"]}

    assert zones("db.t4g.micro") == {"a", "b", "c"}
    assert zones("db.t2.micro") == {"a", "b"}
    assert zones("db.x9.huge") == set()
    versions = rds.describe_db_engine_versions(Engine="mariadb")["DBEngineVersions"]
    assert {version["Engine"] for version in versions} == {"mariadb"}
    assert refusal(rds.describe_orderable_db_instance_options, Engine="access") == ("InvalidParameterValue", 400)
