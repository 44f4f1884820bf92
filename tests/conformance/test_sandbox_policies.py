"""Managed policies of `beanship sandbox`, served to boto3; botocore's model judges every answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from test_sandbox_with_real_clients import Sandbox, refusal, start, stop


@pytest.fixture(scope="module")
def policy_sandbox(binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    running = start(binary, tmp_path_factory.mktemp("sandbox"))
    yield running
    stop(running)


@pytest.fixture
def iam(policy_sandbox: Sandbox) -> Any:
    return policy_sandbox.access.boto3("iam")


def document(*actions: str) -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_a_policy_has_versions_of_which_one_counts(iam: Any) -> None:
    tags = [{"Key": "team", "Value": "shop"}]
    made = iam.create_policy(PolicyName="own", Path="/team/", PolicyDocument=document("s3:GetObject"), Tags=tags)["Policy"]
    arn = made["Arn"]
    assert arn.endswith(":policy/team/own")
    assert (made["DefaultVersionId"], made["AttachmentCount"]) == ("v1", 0)
    assert refusal(iam.create_policy, PolicyName="own", PolicyDocument=document("s3:GetObject")) == ("EntityAlreadyExists", 409)
    for _ in range(4):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=document("s3:PutObject"), SetAsDefault=True)
    assert refusal(iam.create_policy_version, PolicyArn=arn, PolicyDocument=document("s3:PutObject")) == ("LimitExceeded", 409)
    assert refusal(iam.delete_policy_version, PolicyArn=arn, VersionId="v5") == ("DeleteConflict", 409)
    iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert [version["VersionId"] for version in versions if version["IsDefaultVersion"]] == ["v5"]
    assert len(versions) == 4
    counts = iam.get_policy_version(PolicyArn=arn, VersionId="v5")["PolicyVersion"]
    assert counts["Document"]["Statement"][0]["Action"] == ["s3:PutObject"]
    iam.create_user(UserName="ci")
    iam.attach_user_policy(UserName="ci", PolicyArn=arn)
    seen = iam.get_policy(PolicyArn=arn)["Policy"]
    assert (seen["AttachmentCount"], seen["Tags"]) == (1, tags)
    assert refusal(iam.delete_policy, PolicyArn=arn) == ("DeleteConflict", 409)
    iam.detach_user_policy(UserName="ci", PolicyArn=arn)
    assert refusal(iam.delete_policy, PolicyArn=arn) == ("DeleteConflict", 409)
    for version in ("v2", "v3", "v4"):
        iam.delete_policy_version(PolicyArn=arn, VersionId=version)
    iam.delete_policy(PolicyArn=arn)
    assert refusal(iam.get_policy, PolicyArn=arn) == ("NoSuchEntity", 404)


def test_an_attached_policy_decides(iam: Any, policy_sandbox: Sandbox) -> None:
    arn = iam.create_policy(PolicyName="looks", PolicyDocument=document("elasticbeanstalk:DescribeEvents"))["Policy"]["Arn"]
    user = iam.create_user(UserName="looker")["User"]["Arn"]
    iam.attach_user_policy(UserName="looker", PolicyArn=arn)
    actions = ["elasticbeanstalk:DescribeEvents", "elasticbeanstalk:UpdateEnvironment"]
    told = iam.simulate_principal_policy(PolicySourceArn=user, ActionNames=actions)["EvaluationResults"]
    assert [result["EvalDecision"] for result in told] == ["allowed", "implicitDeny"]


def test_inline_policies_have_a_length(iam: Any) -> None:
    iam.create_user(UserName="long")
    actions = [f"s3:Action{number:04}" for number in range(150)]
    too_long = {"UserName": "long", "PolicyName": "p", "PolicyDocument": document(*actions)}
    assert refusal(iam.put_user_policy, **too_long) == ("LimitExceeded", 409)
    iam.put_user_policy(UserName="long", PolicyName="p", PolicyDocument=document(*actions[:50]))
