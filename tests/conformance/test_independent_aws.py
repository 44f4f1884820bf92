"""The independent AWS itself, driven by boto3: what the other tests rely on."""

from __future__ import annotations

import io
import time
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

import botocore.exceptions
import pytest

from aws import ACCESS_KEY, REGION, SECRET_KEY
from clients import Access, prepare_for_eb
from clients import eb as eb_command
from drivers import APPLICATION, BUCKET, COMPOSE, ENVIRONMENT, Aws, await_true

UPDATED = "Environment update completed successfully."


def client(aws: Aws, service: str, secret: str = SECRET_KEY) -> Any:
    return Access(aws.endpoint, REGION, ACCESS_KEY, secret).boto3(service)


@pytest.fixture
def eb(aws: Aws) -> Any:
    return client(aws, "elasticbeanstalk")


@pytest.fixture
def s3(aws: Aws) -> Any:
    return client(aws, "s3")


def bundle(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in (files or {"docker-compose.yml": COMPOSE}).items():
            archive.writestr(name, content)
    return buffer.getvalue()


def ship(eb: Any, s3: Any, label: str, body: bytes | None = None) -> dict[str, Any]:
    bucket = eb.create_storage_location()["S3Bucket"]
    s3.put_object(Bucket=bucket, Key=f"shop/{label}.zip", Body=body or bundle())
    source = {"S3Bucket": bucket, "S3Key": f"shop/{label}.zip"}
    eb.create_application_version(ApplicationName=APPLICATION, VersionLabel=label, SourceBundle=source)
    return dict(eb.update_environment(EnvironmentName=ENVIRONMENT, VersionLabel=label))


def described(eb: Any) -> dict[str, Any]:
    return dict(eb.describe_environments(EnvironmentNames=[ENVIRONMENT])["Environments"][0])


def settled(eb: Any) -> dict[str, Any]:
    return await_true(lambda: (e := described(eb))["Status"] == "Ready" and e, what="Ready")


def refusal(call: Any, **parameters: Any) -> tuple[str, str]:
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_deploy_takes_its_time_and_tells_its_story(aws: Aws, eb: Any, s3: Any) -> None:
    aws.control(deploy={"duration": 0.4})
    answer = ship(eb, s3, "v1")
    during = described(eb)
    assert (during["Status"], during["VersionLabel"], during["AbortableOperationInProgress"]) == (
        "Updating",
        "Sample Application",
        True,
    )
    after = settled(eb)
    assert (after["VersionLabel"], after["Health"], after["HealthStatus"]) == ("v1", "Green", "Ok")
    request_id = answer["ResponseMetadata"]["RequestId"]
    events = eb.describe_events(EnvironmentName=ENVIRONMENT, RequestId=request_id)["Events"]
    assert events[0]["Message"] == UPDATED
    assert events[-1]["Message"] == "Environment update is starting."
    instances = eb.describe_instances_health(EnvironmentName=ENVIRONMENT, AttributeNames=["All"])["InstanceHealthList"]
    assert [i["Deployment"]["VersionLabel"] for i in instances] == ["v1"]
    health = eb.describe_environment_health(EnvironmentName=ENVIRONMENT, AttributeNames=["All"])
    assert (health["Status"], health["Color"]) == ("Ready", "Green")


def test_a_failing_deploy_keeps_the_old_label(aws: Aws, eb: Any, s3: Any) -> None:
    aws.control(deploy={"duration": 0.2, "result": "failing"})
    ship(eb, s3, "v1")
    after = settled(eb)
    assert (after["VersionLabel"], after["Health"]) == ("Sample Application", "Red")
    errors = eb.describe_events(EnvironmentName=ENVIRONMENT, Severity="ERROR")["Events"]
    assert "Failed to deploy application." in [event["Message"] for event in errors]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (bundle(**{"app/docker-compose.yml": COMPOSE}), "Both 'Dockerfile' and 'Dockerrun.aws.json' are missing"),
        (b"no zip at all", "eb-engine.log"),
        (bundle(**{"docker-compose.yml": "services: ["}), "eb-engine.log"),
    ],
)
def test_a_bundle_that_ebs_engine_refuses_fails(aws: Aws, eb: Any, s3: Any, body: bytes, message: str) -> None:
    aws.control(deploy={"duration": 0.1})
    ship(eb, s3, "v1", body)
    assert settled(eb)["Health"] == "Red"
    errors = eb.describe_events(EnvironmentName=ENVIRONMENT, Severity="ERROR")["Events"]
    assert any(message in event["Message"] for event in errors)


def test_versions_have_ebs_errors(aws: Aws, eb: Any, s3: Any) -> None:
    ship(eb, s3, "v1")
    source = {"S3Bucket": BUCKET, "S3Key": "shop/v1.zip"}
    create, update = eb.create_application_version, eb.update_environment
    taken = refusal(create, ApplicationName=APPLICATION, VersionLabel="v1", SourceBundle=source)
    assert taken == ("InvalidParameterValue", "Application Version v1 already exists.")
    assert "No Application named 'nope'" in refusal(create, ApplicationName="nope", VersionLabel="v1")[1]
    missing = {"S3Bucket": BUCKET, "S3Key": "nope.zip"}
    assert "Unable to download" in refusal(create, ApplicationName=APPLICATION, VersionLabel="v2", SourceBundle=missing)[1]
    s3_west = {"S3Bucket": "elsewhere", "S3Key": "v.zip"}
    west = [{"name": "elsewhere", "region": "us-west-2"}]
    aws.control(seed={"region": REGION, "applications": [{"name": APPLICATION}], "buckets": west})
    assert refusal(create, ApplicationName=APPLICATION, VersionLabel="v2", SourceBundle=s3_west)[0] == (
        "S3LocationNotInServiceRegionException"
    )
    assert "No Environment found" in refusal(update, EnvironmentName=ENVIRONMENT, VersionLabel="v1")[1]


def test_a_busy_environment_refuses(aws: Aws, eb: Any) -> None:
    aws.control(busy={"environment": ENVIRONMENT, "seconds": 0.3})
    code, message = refusal(eb.update_environment, EnvironmentName=ENVIRONMENT, VersionLabel="Sample Application")
    assert (code, message.endswith("Must be Ready.")) == ("InvalidParameterValue", True)
    settled(eb)


def test_the_model_is_enforced(aws: Aws) -> None:
    access = Access(aws.endpoint, REGION, ACCESS_KEY, SECRET_KEY)
    unchecked = access.boto3("elasticbeanstalk", check_parameters=False)
    code, message = refusal(unchecked.create_application_version, ApplicationName="", VersionLabel="x" * 101)
    assert code == "ValidationError"
    assert "length less than or equal to 100" in message
    assert "length greater than or equal to 1" in message
    assert "must not be null" in refusal(unchecked.create_application_version, ApplicationName="shop")[1]


def test_basic_health_has_no_enhanced_answers(aws: Aws, eb: Any) -> None:
    aws.reset({"name": ENVIRONMENT, "enhanced": False})
    assert refusal(eb.describe_instances_health, EnvironmentName=ENVIRONMENT)[0] == "InvalidRequestException"
    assert "HealthStatus" not in described(eb)


def test_trouble(aws: Aws, eb: Any, s3: Any) -> None:
    aws.control(faults=[{"kind": "throttle", "every": 2}])
    eb.describe_applications()
    assert refusal(eb.describe_applications) == ("Throttling", "Rate exceeded")
    eb.describe_applications()
    assert refusal(s3.list_buckets)[0] == "SlowDown"
    aws.control(faults=[{"kind": "deny", "operation": "DescribeApplications"}])
    assert refusal(eb.describe_applications)[0] == "AccessDenied"
    aws.control(faults=[{"kind": "cut", "times": 1}])
    with pytest.raises(botocore.exceptions.HTTPClientError):
        eb.describe_applications()
    aws.control(faults=[{"kind": "lose", "operation": "CreateApplication"}])
    with pytest.raises(botocore.exceptions.HTTPClientError):
        eb.create_application(ApplicationName="second")
    assert len(eb.describe_applications()["Applications"]) == 2
    assert [call.effect for call in aws.called("CreateApplication")] == ["lose"]


def test_signatures_are_checked(aws: Aws) -> None:
    assert refusal(client(aws, "sts", secret="wrong").get_caller_identity)[0] == "SignatureDoesNotMatch"
    assert refusal(client(aws, "s3", secret="wrong").list_buckets)[0] == "SignatureDoesNotMatch"
    aws.control(refuse_skewed=True, clock_skew=7200)
    assert refusal(client(aws, "elasticbeanstalk").describe_applications)[0] == "SignatureDoesNotMatch"


def test_the_clock_may_be_hours_off(aws: Aws, eb: Any, s3: Any) -> None:
    aws.control(clock_skew=-7200, deploy={"duration": 0.1})
    ship(eb, s3, "v1")
    settled(eb)
    newest = eb.describe_events(EnvironmentName=ENVIRONMENT, MaxRecords=1)["Events"][0]["EventDate"].timestamp()
    assert -7260 < newest - time.time() < -7140


def test_a_version_may_not_be_seen_at_once(aws: Aws, eb: Any, s3: Any) -> None:
    aws.control(version_after=0.3)
    with pytest.raises(botocore.exceptions.ClientError, match="No Application Version named 'v1'"):
        ship(eb, s3, "v1")
    labels = {"ApplicationName": APPLICATION, "VersionLabels": ["v1"]}
    assert eb.describe_application_versions(**labels)["ApplicationVersions"] == []
    await_true(lambda: eb.describe_application_versions(**labels)["ApplicationVersions"])


def test_buckets_answer_to_their_owner_in_their_region(aws: Aws, s3: Any) -> None:
    buckets = [{"name": "theirs", "owner": "999999999999"}, {"name": "west", "region": "us-west-2"}, {"name": "ours"}]
    aws.reset(buckets=buckets)
    assert refusal(s3.head_bucket, Bucket="theirs")[0] == "403"
    assert refusal(s3.head_bucket, Bucket="ours", ExpectedBucketOwner="999999999999")[0] == "403"
    s3.head_bucket(Bucket="ours", ExpectedBucketOwner="123456789012")
    assert refusal(s3.head_bucket, Bucket="nowhere")[0] == "404"


def test_logs_are_a_presigned_url(aws: Aws, eb: Any) -> None:
    asked = {"EnvironmentName": ENVIRONMENT, "InfoType": "tail"}
    eb.request_environment_info(**asked)
    found = await_true(lambda: eb.retrieve_environment_info(**asked)["EnvironmentInfo"])
    with urllib.request.urlopen(found[0]["Message"], timeout=10) as answer:
        assert b"eb-engine.log" in answer.read()


def test_an_environment_lives_and_ends(aws: Aws, eb: Any) -> None:
    aws.control(deploy={"duration": 0.2})
    stack = eb.list_available_solution_stacks()["SolutionStacks"][0]
    option = {"Namespace": "aws:elasticbeanstalk:healthreporting:system", "OptionName": "SystemType", "Value": "enhanced"}
    named = {"EnvironmentName": "shop-staging"}
    eb.create_environment(ApplicationName=APPLICATION, SolutionStackName=stack, OptionSettings=[option], **named)

    def status() -> str:
        return str(eb.describe_environments(EnvironmentNames=["shop-staging"])["Environments"][0]["Status"])

    await_true(lambda: status() == "Ready")
    settings = eb.describe_configuration_settings(ApplicationName=APPLICATION, **named)["ConfigurationSettings"][0]
    assert option in settings["OptionSettings"]
    eb.terminate_environment(**named)
    await_true(lambda: status() == "Terminated")
    assert eb.describe_environments(IncludeDeleted=False, EnvironmentNames=["shop-staging"])["Environments"] == []


def test_an_update_can_be_aborted(aws: Aws, eb: Any) -> None:
    aws.control(deploy={"result": "never"})
    assert refusal(eb.abort_environment_update, EnvironmentName=ENVIRONMENT)[1].endswith("Must be pending deployment.")
    eb.update_environment(EnvironmentName=ENVIRONMENT, VersionLabel="Sample Application")
    eb.abort_environment_update(EnvironmentName=ENVIRONMENT)
    assert settled(eb)["VersionLabel"] == "Sample Application"


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("sts", "get_caller_identity"),
        ("iam", "list_roles"),
        ("ec2", "describe_vpcs"),
        ("rds", "describe_db_instances"),
        ("secretsmanager", "list_secrets"),
        ("ssm", "describe_parameters"),
    ],
)
def test_motos_services_are_there(aws: Aws, service: str, operation: str) -> None:
    getattr(client(aws, service), operation)()
    assert aws.calls[-1].service == service


def test_eb_itself_deploys_here(aws: Aws, tmp_path: Path) -> None:
    (tmp_path / "docker-compose.yml").write_text(COMPOSE)
    prepare_for_eb(tmp_path, APPLICATION, ENVIRONMENT, REGION)
    access = Access(aws.endpoint, REGION, ACCESS_KEY, SECRET_KEY)
    aws.control(deploy={"duration": 0.5})
    done = eb_command(access, tmp_path, tmp_path, "deploy")
    assert (done.code, UPDATED in done.stdout) == (0, True), done
    aws.control(deploy={"duration": 0.5, "result": "failing"})
    done = eb_command(access, tmp_path, tmp_path, "deploy")
    assert (done.code != 0, "Failed to deploy application." in done.stdout) == (True, True), done
