"""`beanship bootstrap` of a database against moto's EC2, RDS and Secrets Manager."""

from __future__ import annotations

import json
from typing import Any

import pytest

from clients import Access
from drivers import PROJECT, Aws, Beanship, Project
from test_bootstrap_against_independent_aws import bootstrap, changes, ended

STAGING = """\
  staging:
    name: shop-staging
    branches: [next]
    deployer: {{ github: acme/shop }}
    network: {{ vpc: default }}
    database: {database}
    properties: {{ HOST: {{ rds: host }}, PORT: {{ rds: port }}, WORD: {{ rds: password }} }}
"""
POSTGRES = "{ engine: postgres, name: shop }"
DATABASE = "shop-staging-database"

pytestmark = pytest.mark.usefixtures("quick")


def declare(project: Project, database: str = POSTGRES) -> None:
    """Writes a project file whose staging has this database."""
    project.write("beanship.yml", PROJECT + STAGING.format(database=database))


def seen(access: Access) -> dict[str, Any]:
    """The database."""
    (instance,) = access.boto3("rds").describe_db_instances(DBInstanceIdentifier=DATABASE)["DBInstances"]
    return dict(instance)


def held(access: Access) -> dict[str, str]:
    """What its secret holds."""
    told = access.boto3("secretsmanager").get_secret_value(SecretId="shop/shop-staging/database")
    return dict(json.loads(told["SecretString"]))


def test_a_database_is_made_kept_and_taken_away(aws: Aws, access: Access, beanship: Beanship, project: Project) -> None:
    declare(project)
    ended(bootstrap(beanship), "succeeded")
    there = seen(access)
    assert (there["Engine"], there["DBName"], there["MasterUsername"]) == ("postgres", "shop", "app")
    assert (there["StorageEncrypted"], there["PubliclyAccessible"], there["DeletionProtection"]) == (True, False, True)
    assert {tag["Key"] for tag in there["TagList"]} == {"beanship:app", "beanship:environment"}
    secret = held(access)
    assert (secret["username"], secret["dbname"], len(secret["password"])) == ("app", "shop", 32)
    ec2 = access.boto3("ec2")
    (group,) = ec2.describe_security_groups(GroupIds=[there["VpcSecurityGroups"][0]["VpcSecurityGroupId"]])["SecurityGroups"]
    (rule,) = group["IpPermissions"]
    (app,) = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["shop-staging-app"]}])["SecurityGroups"]
    assert (rule["FromPort"], rule["ToPort"], rule["UserIdGroupPairs"][0]["GroupId"]) == (5432, 5432, app["GroupId"])
    (subnets,) = access.boto3("rds").describe_db_subnet_groups(DBSubnetGroupName=DATABASE)["DBSubnetGroups"]
    assert len({subnet["SubnetAvailabilityZone"]["Name"] for subnet in subnets["Subnets"]}) >= 2
    since = len(aws.calls)
    ended(bootstrap(beanship), "unchanged")
    assert changes(aws, since) == []
    ended(beanship("deploy", "--env", "staging", "--output", "json"), "succeeded")
    options = {option: value for _, option, value in aws.environment("shop-staging")["options"]}
    assert options["HOST"] == there["Endpoint"]["Address"]
    assert options["PORT"] == "5432"
    assert options["WORD"].endswith(":password")
    # What the file says anew is shown, and done once agreed to.
    declare(project, "{ engine: postgres, name: shop, class: db.t4g.small, backup_days: 14 }")
    lines = [line["detail"] for line in ended(bootstrap(beanship, "--plan"), "planned")["plan"]]
    assert len(lines) == 2, lines
    assert "db.t4g.micro -> db.t4g.small" in lines[0], lines
    assert "7 -> 14 days" in lines[1], lines
    ended(bootstrap(beanship), "succeeded")
    assert (seen(access)["DBInstanceClass"], seen(access)["BackupRetentionPeriod"]) == ("db.t4g.small", 14)
    ended(bootstrap(beanship, "--rotate-database-password"), "succeeded")
    assert held(access)["password"] != secret["password"]
    ended(bootstrap(beanship), "unchanged")
    ended(bootstrap(beanship, "--destroy"), "succeeded")
    assert seen(access)["DBInstanceIdentifier"] == DATABASE
    ended(bootstrap(beanship, "--destroy", "--delete-database", DATABASE), "succeeded")
    rds = access.boto3("rds")
    assert rds.describe_db_instances()["DBInstances"] == []
    (snapshot,) = rds.describe_db_snapshots()["DBSnapshots"]
    assert snapshot["DBSnapshotIdentifier"].startswith(f"{DATABASE}-final-")
    ended(bootstrap(beanship, "--destroy", "--delete-database", DATABASE), "unchanged")


def test_a_secret_that_is_there_gives_the_password(aws: Aws, access: Access, beanship: Beanship, project: Project) -> None:
    declare(project)
    tags = [{"Key": "beanship:app", "Value": "shop"}, {"Key": "beanship:environment", "Value": "shop-staging"}]
    before = {"username": "app", "password": "kept-from-before-kept", "dbname": "shop"}
    secrets = access.boto3("secretsmanager")
    secrets.create_secret(Name="shop/shop-staging/database", SecretString=json.dumps(before), Tags=tags)
    ended(bootstrap(beanship, "--only", "network,database"), "succeeded")
    assert held(access) == before
    assert seen(access)["DBInstanceStatus"] == "available"


def test_somebody_elses_names_are_refused(access: Access, beanship: Beanship, project: Project) -> None:
    declare(project)
    access.boto3("secretsmanager").create_secret(Name="shop/shop-staging/database", SecretString="{}")
    run = bootstrap(beanship, "--only", "network,database")
    assert (run.code, run.document["error"]["kind"]) == (2, "check"), run
    assert "the secret shop/shop-staging/database is there already" in run.document["error"]["message"], run


def test_rds_keeps_the_password(aws: Aws, access: Access, beanship: Beanship, project: Project) -> None:
    declare(project, "{ engine: postgres, name: shop, managed_password: true }")
    ended(bootstrap(beanship), "succeeded")
    kept = seen(access)["MasterUserSecret"]["SecretArn"]
    assert ":secret:rds!db-" in kept
    since = len(aws.calls)
    ended(bootstrap(beanship), "unchanged")
    assert changes(aws, since) == []
    ended(beanship("deploy", "--env", "staging", "--output", "json"), "succeeded")
    options = {option: value for _, option, value in aws.environment("shop-staging")["options"]}
    assert options["WORD"] == f"{kept}:password"
    ended(bootstrap(beanship), "unchanged")
    # The tag that the instances' right is bound to.
    told = access.boto3("secretsmanager").describe_secret(SecretId=kept)
    tags = {tag["Key"]: tag["Value"] for tag in told["Tags"]}
    assert tags["aws:rds:primaryDBInstanceArn"] == seen(access)["DBInstanceArn"]
    ended(bootstrap(beanship, "--rotate-database-password"), "succeeded")
    # And it changes hands.
    declare(project)
    ended(bootstrap(beanship), "succeeded")
    assert "MasterUserSecret" not in seen(access)
    assert len(held(access)["password"]) == 32
    ended(bootstrap(beanship), "unchanged")
