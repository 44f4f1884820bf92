"""`beanship sandbox` served to clients nobody here wrote: boto3, awscli and awsebcli.

Every operation of Elastic Beanstalk's model is tried: one that the sandbox does not serve has to say InvalidAction as
AWS does, one that it serves has to answer in the model's shapes.
"""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import threading
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import botocore.exceptions
import pytest
from boto3.s3.transfer import TransferConfig

from clients import Access, awscli, eb, prepare_for_eb
from drivers import APPLICATION, COMPOSE, ENVIRONMENT, PROJECT, REGION, Run, await_true, clean_environment, run

NEEDED = {
    "CreateStorageLocation",
    "CreateApplicationVersion",
    "UpdateEnvironment",
    "DescribeEnvironments",
    "DescribeEvents",
    "DescribeApplications",
    "DescribeApplicationVersions",
    "DescribeEnvironmentHealth",
    "DescribeInstancesHealth",
    "DescribeConfigurationSettings",
    "DescribeEnvironmentResources",
    "DescribePlatformVersion",
    "ListPlatformBranches",
    "ListPlatformVersions",
    "CheckDNSAvailability",
    "RequestEnvironmentInfo",
    "RetrieveEnvironmentInfo",
    "AbortEnvironmentUpdate",
}


@dataclass
class Sandbox:
    """A running `beanship sandbox`."""

    process: subprocess.Popen[str]
    project: Path
    home: Path
    said: list[str] = field(default_factory=list)
    access: Access = field(init=False)

    def variables(self) -> dict[str, str]:
        """The environment variables it printed for other clients."""
        return {m[1]: m[2].strip("'\"") for line in self.said if (m := re.search(r"\b(AWS_[A-Z_]+)[=:]\s*(\S+)", line))}

    def ready(self) -> bool:
        """Whether it has said all that a client needs."""
        assert self.process.poll() is None, f"it ended: {self.said}"
        return {"AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} <= set(self.variables())


def start(binary: Path, folder: Path) -> Sandbox:
    """Starts a sandbox for a fresh project."""
    project, home = folder / "project", folder / "home"
    project.mkdir()
    home.mkdir()
    (project / "docker-compose.yml").write_text(COMPOSE)
    (project / "beanship.yml").write_text(PROJECT)
    (project / "site").mkdir()
    (project / "site/index.html").write_text("<h1>shop</h1>\n")
    help_text = subprocess.run([binary, "sandbox", "--help"], capture_output=True, text=True, check=True).stdout
    assert "--port" in help_text, help_text
    return serve(binary, project, home)


def serve(binary: Path, project: Path, home: Path) -> Sandbox:
    """Starts a sandbox for a project that is there."""
    process = subprocess.Popen(
        [binary, "sandbox", "--port", "0"],
        cwd=project,
        env=clean_environment(home),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    sandbox = Sandbox(process, project, home)
    lines = process.stdout
    assert lines is not None
    threading.Thread(target=lambda: sandbox.said.extend(lines), daemon=True).start()
    await_true(sandbox.ready, what=f"environment variables in {sandbox.said}")
    found = sandbox.variables()
    region = found.get("AWS_REGION") or found.get("AWS_DEFAULT_REGION") or REGION
    sandbox.access = Access(found["AWS_ENDPOINT_URL"], region, found["AWS_ACCESS_KEY_ID"], found["AWS_SECRET_ACCESS_KEY"])
    return sandbox


def stop(sandbox: Sandbox) -> int:
    """Ends it as Ctrl-C does."""
    sandbox.process.send_signal(signal.SIGINT)
    try:
        return sandbox.process.wait(10)
    except subprocess.TimeoutExpired:
        sandbox.process.kill()
        raise


@pytest.fixture(scope="module")
def sandbox(binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One sandbox for all tests that do not change much."""
    running = start(binary, tmp_path_factory.mktemp("sandbox"))
    yield running
    stop(running)


@pytest.fixture
def own_sandbox(binary: Path, tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox of the test's own."""
    running = start(binary, tmp_path)
    yield running
    if running.process.poll() is None:
        stop(running)


@pytest.fixture
def beanstalk(sandbox: Sandbox) -> Any:
    return sandbox.access.boto3("elasticbeanstalk")


@pytest.fixture
def s3(sandbox: Sandbox) -> Any:
    return sandbox.access.boto3("s3")


@pytest.fixture
def bucket(s3: Any, request: pytest.FixtureRequest) -> str:
    """A bucket of the test's own."""
    name = "test-" + re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:50].strip("-")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
    return name


def bundle() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("docker-compose.yml", COMPOSE)
        archive.writestr("site/index.html", "<h1>shop</h1>\n")
    return buffer.getvalue()


def refusal(call: Any, **parameters: Any) -> tuple[str, int]:
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**parameters)
    answer = caught.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def described(beanstalk: Any, name: str = ENVIRONMENT) -> dict[str, Any]:
    return dict(beanstalk.describe_environments(EnvironmentNames=[name])["Environments"][0])


def ready(beanstalk: Any) -> dict[str, Any]:
    return await_true(lambda: (e := described(beanstalk))["Status"] == "Ready" and e, seconds=30, what="Ready")


# --- boto3: Elastic Beanstalk


def guess(name: str, shape: Any) -> Any:
    """A plausible value of a parameter; None leaves it out."""
    known = {
        "ApplicationName": APPLICATION,
        "EnvironmentName": ENVIRONMENT,
        "CNAMEPrefix": "some-free-name",
        "InfoType": "tail",
        "OptionSettings": [],
        "VersionLabel": "no-such-version",
        "TemplateName": "no-such-template",
        "ResourceArn": "arn:aws:elasticbeanstalk:eu-central-1:123456789012:environment/shop/no-such-environment",
        "OperationsRole": "arn:aws:iam::123456789012:role/operations",
        "ActionId": "no-such-action",
        "PlatformName": "mine",
        "PlatformVersion": "1.0.0",
        "ResourceLifecycleConfig": {},
        "PlatformDefinitionBundle": {"S3Bucket": "no-such-bucket", "S3Key": "platform.zip"},
    }
    assert name in known, f"no value known for {name} ({shape})"
    return known[name]


def test_every_operation_of_the_model_answers_as_aws_would(own_sandbox: Sandbox) -> None:
    client = own_sandbox.access.boto3("elasticbeanstalk")
    ends = {"TerminateEnvironment", "DeleteApplication", "RebuildEnvironment"}
    names = sorted(client.meta.service_model.operation_names, key=lambda name: (name in ends, name))
    methods = {client.meta.method_to_api_mapping[method]: method for method in client.meta.method_to_api_mapping}
    outcome: dict[str, str] = {}
    for name in names:
        shape = client.meta.service_model.operation_model(name).input_shape
        members = shape.members if shape else {}
        wanted = set(shape.required_members) if shape else set()
        if "EnvironmentName" in members and name not in ("CreateEnvironment", "UpdateEnvironment"):
            wanted.add("EnvironmentName")
        parameters = {member: guess(member, members[member]) for member in wanted}
        try:
            getattr(client, methods[name])(**parameters)
            outcome[name] = "served"
        except botocore.exceptions.ClientError as error:
            answer = error.response
            outcome[name] = answer["Error"]["Code"]
            assert 400 <= answer["ResponseMetadata"]["HTTPStatusCode"] < 500, (name, answer)
            assert answer["Error"].get("Message"), (name, answer)
    not_served = {name for name, code in outcome.items() if code == "InvalidAction"}
    print("served:", sorted(set(outcome) - not_served))
    print("not served:", sorted(not_served))
    assert not NEEDED & not_served, outcome


def test_a_version_is_shipped_by_boto3(beanstalk: Any, s3: Any) -> None:
    storage = beanstalk.create_storage_location()["S3Bucket"]
    s3.put_object(Bucket=storage, Key="shop/v-boto3.zip", Body=bundle())
    source = {"S3Bucket": storage, "S3Key": "shop/v-boto3.zip"}
    label = {"ApplicationName": APPLICATION, "VersionLabel": "v-boto3"}
    made = beanstalk.create_application_version(**label, SourceBundle=source, Description="by boto3")["ApplicationVersion"]
    assert (made["VersionLabel"], made["SourceBundle"], made["Description"]) == ("v-boto3", source, "by boto3")
    assert made["Status"] == "UNPROCESSED"
    assert refusal(beanstalk.create_application_version, **label, SourceBundle=source) == ("InvalidParameterValue", 400)
    ready(beanstalk)
    answer = beanstalk.update_environment(EnvironmentName=ENVIRONMENT, VersionLabel="v-boto3")
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert answer["Status"] == "Updating"
    assert described(beanstalk)["AbortableOperationInProgress"] is True
    assert (
        refusal(beanstalk.update_environment, EnvironmentName=ENVIRONMENT, VersionLabel="v-boto3")[0] == "InvalidParameterValue"
    )
    after = ready(beanstalk)
    assert (after["VersionLabel"], after["Tier"]["Name"]) == ("v-boto3", "WebServer")
    await_true(lambda: described(beanstalk)["Health"] == "Green", what="Green")
    found = beanstalk.describe_events(EnvironmentName=ENVIRONMENT, RequestId=request_id)["Events"]
    assert "Environment update completed successfully." in [event["Message"] for event in found]
    dates = [event["EventDate"] for event in found]
    assert dates == sorted(dates, reverse=True), "events come newest first"
    instances = beanstalk.describe_instances_health(EnvironmentName=ENVIRONMENT, AttributeNames=["All"])["InstanceHealthList"]
    assert {i["Deployment"]["VersionLabel"] for i in instances} == {"v-boto3"}
    assert {i["Deployment"]["Status"] for i in instances} == {"Deployed"}
    found = beanstalk.describe_application_versions(ApplicationName=APPLICATION, VersionLabels=["v-boto3"])
    assert len(found["ApplicationVersions"]) == 1


def test_events_page_and_filter(beanstalk: Any) -> None:
    everything = beanstalk.describe_events(ApplicationName=APPLICATION)["Events"]
    paged = list(
        beanstalk.get_paginator("describe_events").paginate(ApplicationName=APPLICATION, PaginationConfig={"PageSize": 1})
    )
    assert [event for page in paged for event in page["Events"]] == everything
    assert all(len(page["Events"]) <= 1 for page in paged)
    assert beanstalk.describe_events(ApplicationName=APPLICATION, Severity="FATAL")["Events"] == []


def test_mistakes_get_ebs_errors(beanstalk: Any) -> None:
    assert refusal(beanstalk.update_environment, EnvironmentName="nowhere", VersionLabel="v") == ("InvalidParameterValue", 400)
    assert refusal(beanstalk.create_application_version, ApplicationName="nope", VersionLabel="v") == (
        "InvalidParameterValue",
        400,
    )
    assert refusal(beanstalk.abort_environment_update, EnvironmentName=ENVIRONMENT) == ("InvalidParameterValue", 400)
    assert beanstalk.describe_environments(EnvironmentNames=["nowhere"])["Environments"] == []
    labels = {"ApplicationName": APPLICATION, "VersionLabels": ["no-such-label"]}
    assert beanstalk.describe_application_versions(**labels)["ApplicationVersions"] == []


def test_a_bad_signature_is_refused(sandbox: Sandbox) -> None:
    forged = Access(sandbox.access.endpoint, sandbox.access.region, sandbox.access.access_key, "not the secret")
    for service, call in (("sts", "get_caller_identity"), ("elasticbeanstalk", "describe_environments"), ("s3", "list_buckets")):
        assert refusal(getattr(forged.boto3(service), call)) == ("SignatureDoesNotMatch", 403), service


def test_sts_knows_the_caller(sandbox: Sandbox) -> None:
    who = sandbox.access.boto3("sts").get_caller_identity()
    assert re.fullmatch(r"\d{12}", who["Account"])
    assert who["Account"] in who["Arn"]


# --- boto3: S3


def test_s3_keeps_objects(s3: Any, bucket: str) -> None:
    key = "shop/größe & maß+1.txt"
    s3.put_object(Bucket=bucket, Key=key, Body=b"0123456789", Metadata={"bundle-sha256": "abc"}, ContentType="text/plain")
    head = s3.head_object(Bucket=bucket, Key=key)
    assert (head["ContentLength"], head["Metadata"], head["ContentType"]) == (10, {"bundle-sha256": "abc"}, "text/plain")
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"0123456789"
    part = s3.get_object(Bucket=bucket, Key=key, Range="bytes=2-5")
    assert (part["Body"].read(), part["ContentRange"], part["ResponseMetadata"]["HTTPStatusCode"]) == (
        b"2345",
        "bytes 2-5/10",
        206,
    )
    assert s3.get_object(Bucket=bucket, Key=key, Range="bytes=-3")["Body"].read() == b"789"
    listed = s3.list_objects_v2(Bucket=bucket, Prefix="shop/")
    assert [(row["Key"], row["Size"]) for row in listed["Contents"]] == [(key, 10)]
    s3.delete_object(Bucket=bucket, Key=key)
    assert refusal(s3.get_object, Bucket=bucket, Key=key) == ("NoSuchKey", 404)
    assert refusal(s3.head_object, Bucket=bucket, Key=key) == ("404", 404)


def test_s3_lists_in_pages(s3: Any, bucket: str) -> None:
    for index in range(5):
        s3.put_object(Bucket=bucket, Key=f"a/{index}", Body=b"x")
    s3.put_object(Bucket=bucket, Key="b", Body=b"x")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2})
    assert [row["Key"] for page in pages for row in page["Contents"]] == [*(f"a/{index}" for index in range(5)), "b"]
    folders = s3.list_objects_v2(Bucket=bucket, Delimiter="/")
    assert [row["Prefix"] for row in folders["CommonPrefixes"]] == ["a/"]
    assert [row["Key"] for row in folders["Contents"]] == ["b"]


@pytest.mark.parametrize("checksums", ["when_supported", "when_required"])
def test_s3_takes_parts(sandbox: Sandbox, s3: Any, bucket: str, checksums: str, tmp_path: Path) -> None:
    client = sandbox.access.boto3("s3", request_checksum_calculation=checksums)
    body = os.urandom(12 * 1024 * 1024 + 17)
    (tmp_path / "big").write_bytes(body)
    transfer = TransferConfig(multipart_threshold=5 * 1024 * 1024, multipart_chunksize=5 * 1024 * 1024)
    client.upload_file(str(tmp_path / "big"), bucket, "big", Config=transfer)
    head = client.head_object(Bucket=bucket, Key="big")
    assert head["ContentLength"] == len(body)
    assert re.fullmatch(r'"[0-9a-f]{32}-3"', head["ETag"])
    client.download_file(bucket, "big", str(tmp_path / "back"), Config=transfer)
    assert (tmp_path / "back").read_bytes() == body


def test_s3_refuses_a_wrong_part(s3: Any, bucket: str) -> None:
    upload = {"Bucket": bucket, "Key": "k", "UploadId": s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]}
    s3.upload_part(**upload, PartNumber=1, Body=b"x")
    parts = {"Parts": [{"PartNumber": 1, "ETag": '"00000000000000000000000000000000"'}]}
    assert refusal(s3.complete_multipart_upload, **upload, MultipartUpload=parts) == ("InvalidPart", 400)
    s3.abort_multipart_upload(**upload)
    assert refusal(s3.upload_part, **upload, PartNumber=1, Body=b"x")[0] == "NoSuchUpload"


def test_s3_checks_what_arrives(s3: Any, bucket: str) -> None:
    import base64

    wrong = base64.b64encode(bytes(16)).decode()
    assert refusal(s3.put_object, Bucket=bucket, Key="k", Body=b"x", ContentMD5=wrong)[0] == "BadDigest"
    assert refusal(s3.put_object, Bucket=bucket, Key="k", Body=b"x", ChecksumCRC32="AAAAAA==")[0] in (
        "BadDigest",
        "InvalidRequest",
    )
    assert refusal(s3.head_object, Bucket=bucket, Key="k") == ("404", 404)


def test_s3_serves_presigned_urls(sandbox: Sandbox, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="logs/tail.txt", Body=b"a line\n")
    named = {"Bucket": bucket, "Key": "logs/tail.txt"}
    url = s3.generate_presigned_url("get_object", Params=named, ExpiresIn=60)
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.read() == b"a line\n"
    put = s3.generate_presigned_url("put_object", Params=named, ExpiresIn=60)
    with urllib.request.urlopen(urllib.request.Request(put, b"another\n", method="PUT"), timeout=10) as answer:
        assert answer.status == 200
    assert s3.get_object(**named)["Body"].read() == b"another\n"
    for spoilt in (url.replace("tail.txt", "other.txt"), url[:-4] + "0000"):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(spoilt, timeout=10)
        assert caught.value.code == 403


def test_s3_says_what_is_not_there_and_not_ours(s3: Any, bucket: str) -> None:
    assert refusal(s3.head_bucket, Bucket="no-such-bucket") == ("404", 404)
    assert refusal(s3.get_object, Bucket="no-such-bucket", Key="k")[0] == "NoSuchBucket"
    assert refusal(s3.head_bucket, Bucket=bucket, ExpectedBucketOwner="999999999999") == ("403", 403)
    assert s3.head_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPHeaders"]["x-amz-bucket-region"] == s3.meta.region_name
    assert bucket in [row["Name"] for row in s3.list_buckets()["Buckets"]]


# --- awscli


def test_awscli_reads_everything(sandbox: Sandbox) -> None:
    named = ["--environment-name", ENVIRONMENT]
    for arguments, said in [
        (["sts", "get-caller-identity"], "Account"),
        (["elasticbeanstalk", "describe-applications"], APPLICATION),
        (["elasticbeanstalk", "describe-environments", "--no-include-deleted"], ENVIRONMENT),
        (["elasticbeanstalk", "describe-application-versions", "--application-name", APPLICATION], "ApplicationVersions"),
        (["elasticbeanstalk", "describe-events", "--max-items", "2"], "Events"),
        (["elasticbeanstalk", "describe-environment-health", *named, "--attribute-names", "All"], "HealthStatus"),
        (["elasticbeanstalk", "describe-instances-health", *named, "--attribute-names", "All"], "Deployment"),
        (["elasticbeanstalk", "describe-environment-resources", *named], "Instances"),
        (["elasticbeanstalk", "describe-configuration-settings", "--application-name", APPLICATION, *named], "OptionSettings"),
        (["elasticbeanstalk", "check-dns-availability", "--cname-prefix", "some-free-name"], "true"),
        (["elasticbeanstalk", "create-storage-location"], "elasticbeanstalk-"),
        (["elasticbeanstalk", "wait", "environment-exists", "--environment-names", ENVIRONMENT], ""),
    ]:
        done = awscli(sandbox.access, sandbox.home, *arguments)
        assert done.code == 0, done
        assert said in done.stdout, done


def test_awscli_ships_a_version(sandbox: Sandbox, beanstalk: Any) -> None:
    (sandbox.home / "v-cli.zip").write_bytes(bundle())

    def aws(*arguments: str) -> Run:
        done = awscli(sandbox.access, sandbox.home, *arguments)
        assert done.code == 0, done
        return done

    storage = aws("elasticbeanstalk", "create-storage-location", "--output", "text").stdout.strip()
    aws("s3", "cp", "v-cli.zip", f"s3://{storage}/shop/v-cli.zip")
    assert "v-cli.zip" in aws("s3", "ls", f"s3://{storage}/shop/").stdout
    label = ["--application-name", APPLICATION, "--version-label", "v-cli"]
    source = f"S3Bucket={storage},S3Key=shop/v-cli.zip"
    aws("elasticbeanstalk", "create-application-version", *label, "--source-bundle", source)
    ready(beanstalk)
    aws("elasticbeanstalk", "update-environment", "--environment-name", ENVIRONMENT, "--version-label", "v-cli")
    assert ready(beanstalk)["VersionLabel"] == "v-cli"
    aws("s3", "cp", f"s3://{storage}/shop/v-cli.zip", "back.zip")
    assert (sandbox.home / "back.zip").read_bytes() == bundle() or zipfile.is_zipfile(sandbox.home / "back.zip")


# --- awsebcli


def test_eb_looks_and_deploys(own_sandbox: Sandbox) -> None:
    prepare_for_eb(own_sandbox.project, APPLICATION, ENVIRONMENT, own_sandbox.access.region)

    def call(*arguments: str) -> str:
        done = eb(own_sandbox.access, own_sandbox.home, own_sandbox.project, *arguments)
        assert done.code == 0, done
        assert "ERROR" not in done.stdout + done.stderr, done
        return done.stdout

    assert ENVIRONMENT in call("list")
    assert "Status: Ready" in call("status")
    assert "Environment update completed successfully." in call("deploy")
    status = call("status")
    assert "Deployed Version: app-" in status
    assert "Health: Green" in status
    assert "Environment update completed successfully." in call("events")
    assert "i-" in call("logs")


def test_eb_sees_a_deploy_fail(own_sandbox: Sandbox) -> None:
    prepare_for_eb(own_sandbox.project, APPLICATION, ENVIRONMENT, own_sandbox.access.region)
    (own_sandbox.project / "docker-compose.yml").write_text("services:\n  web:\n    ports: 80:80\n    image: [\n")
    done = eb(own_sandbox.access, own_sandbox.home, own_sandbox.project, "deploy")
    assert done.code != 0, done
    assert "ERROR" in done.stdout + done.stderr, done
    status = eb(own_sandbox.access, own_sandbox.home, own_sandbox.project, "status")
    assert "Deployed Version: app-" not in status.stdout, status


# --- The command itself


def applications(sandbox: Sandbox) -> list[str]:
    answer = sandbox.access.boto3("elasticbeanstalk").describe_applications()
    return [row["ApplicationName"] for row in answer["Applications"]]


def test_state_survives_until_it_is_reset(own_sandbox: Sandbox, binary: Path) -> None:
    project, home = own_sandbox.project, own_sandbox.home
    own_sandbox.access.boto3("elasticbeanstalk").create_application(ApplicationName="second")
    assert stop(own_sandbox) in (0, 130), own_sandbox.said
    assert (project / ".beanship/.gitignore").read_text().strip() == "*"
    again = serve(binary, project, home)
    assert sorted(applications(again)) == ["second", APPLICATION]
    stop(again)
    reset = run([str(binary), "sandbox", "--reset"], project, clean_environment(home), timeout=20)
    assert reset.code == 0, reset
    emptied = serve(binary, project, home)
    assert applications(emptied) == [APPLICATION]
    stop(emptied)


def test_an_unknown_operation_is_an_invalid_action(sandbox: Sandbox) -> None:
    compose = sandbox.access.boto3("elasticbeanstalk").compose_environments
    code, status = refusal(compose, ApplicationName=APPLICATION)
    assert status == 400
    assert code in ("InvalidAction", "InvalidParameterValue", "MissingRequiredParameter")
