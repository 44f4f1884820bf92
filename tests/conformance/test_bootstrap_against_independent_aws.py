"""`beanship bootstrap` against moto's IAM and S3, and an Elastic Beanstalk that shares nothing with it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aws import ACCESS_KEY
from drivers import PROJECT, Aws, Beanship, Project, Run

STAGING = """\
  staging:
    name: shop-staging
    branches: [next]
    instance_type: t3.small
    deployer: {deployer}
bucket_name: shop-bundles
"""

pytestmark = pytest.mark.usefixtures("quick")


def bootstrap(beanship: Beanship, *arguments: str, **options: Any) -> Run:
    """`bootstrap --env staging` and more."""
    return beanship("bootstrap", "--env", "staging", "--yes", "--output", "json", *arguments, **options)


def ended(run: Run, outcome: str) -> dict[str, Any]:
    """The document of a run that ended as it has to."""
    assert (run.document["outcome"], run.code) == (outcome, 0), run
    return run.document


def changes(aws: Aws, since: int) -> list[str]:
    """The calls that changed something, from the one of this number on."""
    return [repr(call) for call in aws.calls[since:] if call.mutating]


@pytest.mark.parametrize("deployer", ["{ github: acme/shop }", "{ user: ci }"])
def test_bootstrap_makes_what_a_deploy_needs_and_takes_it_away_again(
    aws: Aws, beanship: Beanship, project: Project, deployer: str
) -> None:
    project.write("beanship.yml", PROJECT + STAGING.format(deployer=deployer))
    key = ["--access-key-out", "key.json"] if "user" in deployer else []
    made = ended(bootstrap(beanship, *key), "succeeded")
    assert made["done"]
    assert made["url"]
    since = len(aws.calls)
    ended(bootstrap(beanship), "unchanged")
    assert changes(aws, since) == []
    ended(beanship("deploy", "--env", "staging", "--output", "json"), "succeeded")
    since = len(aws.calls)
    ended(bootstrap(beanship), "unchanged")
    assert changes(aws, since) == []
    if key:
        handed_over = json.loads((project.path / "key.json").read_text())
        assert set(handed_over) == {"AccessKeyId", "SecretAccessKey"}
        assert handed_over["AccessKeyId"] != ACCESS_KEY
    ended(bootstrap(beanship, "--destroy"), "succeeded")
    ended(bootstrap(beanship, "--destroy"), "unchanged")


def test_the_login_of_a_registry_is_written_once_and_again_when_it_changes(
    aws: Aws, beanship: Beanship, project: Project
) -> None:
    registry = "registry: { username: ship, password: { from_env: TOKEN }, credentials: 's3://shop-bundles/login.json' }\n"
    project.write("beanship.yml", PROJECT + STAGING.format(deployer="{ github: acme/shop }") + registry)
    ended(bootstrap(beanship, env=beanship.env(TOKEN="one")), "succeeded")
    since = len(aws.calls)
    ended(bootstrap(beanship, env=beanship.env(TOKEN="one")), "unchanged")
    assert changes(aws, since) == []
    changed = ended(bootstrap(beanship, env=beanship.env(TOKEN="two")), "succeeded")
    assert [change["kind"] for change in changed["plan"]] == ["login object"]
    ended(bootstrap(beanship, env=beanship.env(TOKEN="two")), "unchanged")
    # Production is of the same application, and goes on using it.
    gone = ended(bootstrap(beanship, "--destroy"), "succeeded")
    assert "login object" not in [change["kind"] for change in gone["plan"]]


def test_an_environment_of_others_gets_a_deployer(aws: Aws, beanship: Beanship, project: Project) -> None:
    project.write("beanship.yml", PROJECT + "    deployer: { user: ci }\n")
    arguments = ["bootstrap", "--env", "production", "--yes", "--output", "json", "--only", "iam"]
    ended(beanship(*arguments, "--access-key-out", "key.json"), "succeeded")
    since = len(aws.calls)
    ended(beanship(*arguments), "unchanged")
    assert changes(aws, since) == []
