"""What must stop `beanship deploy` before anything is written: the exit code, a message with a hint, and no change at AWS."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from drivers import APPLICATION, BUCKET, COMPOSE, ENVIRONMENT, FIELDS, PROJECT, REGION, Aws, Beanship, Project, Run


@dataclass
class Bad:
    """One bad input: what is wrong, the code to expect, words that have to be said."""

    name: str
    code: int | tuple[int, ...]
    words: tuple[str, ...]
    spoil: Callable[[Project], Any] = lambda project: None
    arguments: tuple[str, ...] = ("--env", "production")
    env: dict[str, str | None] = field(default_factory=dict)
    seed: Callable[[Aws], Any] = lambda aws: None
    calls_none: bool = False
    position: str | None = None


POSITION = re.compile(r"\.yml:\d+:\d+")


def empty(project: Project) -> None:
    """Leaves nothing in the project."""
    shutil.rmtree(project.path)
    project.path.mkdir()


def without_name(project: Project) -> None:
    """Lets the project name an environment that does not exist."""
    project.write("beanship.yml", PROJECT.replace(ENVIRONMENT, "shop-nowhere"))


TWO = PROJECT + "  staging:\n    name: shop-staging\n"

BAD = [
    Bad("no compose file", 2, ("docker-compose.yml",), lambda p: (p.path / "docker-compose.yml").unlink()),
    Bad("empty directory", 2, (), empty, calls_none=True),
    Bad("empty directory, no environment named", 2, (), empty, arguments=(), calls_none=True),
    Bad("empty project file", 2, ("beanship.yml",), lambda p: p.write("beanship.yml", ""), calls_none=True),
    Bad(
        "broken project file",
        2,
        ("beanship.yml",),
        lambda p: p.write("beanship.yml", "app: shop\nregion: [eu\nenvironments:\n"),
        calls_none=True,
        position="beanship.yml:",
    ),
    Bad(
        "unknown key",
        2,
        ("enviroments", "environments"),
        lambda p: p.write("beanship.yml", PROJECT.replace("environments", "enviroments")),
        calls_none=True,
        position="beanship.yml:3",
    ),
    Bad(
        "unknown key of an environment",
        2,
        ("instance_typ", "instance_type"),
        lambda p: p.write("beanship.yml", PROJECT + "    instance_typ: t3.small\n"),
        calls_none=True,
        position="beanship.yml:6",
    ),
    Bad(
        "value of the wrong type",
        2,
        ("branches",),
        lambda p: p.write("beanship.yml", PROJECT + "    branches: {a: b}\n"),
        calls_none=True,
        position="beanship.yml:6",
    ),
    Bad(
        "duplicate key",
        2,
        ("region",),
        lambda p: p.write("beanship.yml", PROJECT + "region: us-east-1\n"),
        calls_none=True,
        position="beanship.yml:6",
    ),
    Bad(
        "binary project file",
        2,
        ("beanship.yml",),
        lambda p: p.write("beanship.yml", b"\xff\xfe\x00\x01\x80app"),
        calls_none=True,
    ),
    Bad(
        "broken compose file",
        2,
        ("docker-compose.yml",),
        lambda p: p.write("docker-compose.yml", "services:\n  web:\n    image: [nginx\n"),
        position="docker-compose.yml:",
    ),
    Bad(
        "compose file that is no mapping",
        2,
        ("docker-compose.yml",),
        lambda p: p.write("docker-compose.yml", "- just\n- a list\n"),
    ),
    Bad(
        "project file is a directory",
        2,
        ("beanship.yml",),
        lambda p: ((p.path / "beanship.yml").unlink(), (p.path / "beanship.yml").mkdir()),
    ),
    Bad(
        "project file named is not there",
        2,
        ("nowhere.yml",),
        arguments=("--env", "production", "--config", "nowhere.yml"),
        calls_none=True,
    ),
    Bad("directory is not there", 2, ("nowhere",), arguments=("--env", "production", "-C", "nowhere"), calls_none=True),
    Bad("unknown environment", 2, ("prodution", "production"), arguments=("--env", "prodution"), calls_none=True),
    Bad(
        "several environments, none named",
        2,
        ("production", "staging"),
        lambda p: p.write("beanship.yml", TWO),
        arguments=(),
        calls_none=True,
    ),
    Bad("environment not at AWS", 2, ("shop-nowhere",), without_name),
    Bad("application not at AWS", 2, ("shoes",), lambda p: p.write("beanship.yml", PROJECT.replace("app: shop", "app: shoes"))),
    Bad("wrong region", 2, ("us-east-1",), arguments=("--env", "production", "--region", "us-east-1")),
    Bad("label with a slash", 2, ("a/b",), arguments=("--env", "production", "--version-label", "a/b")),
    Bad("label too long", 2, ("100",), arguments=("--env", "production", "--version-label", "v" * 101)),
    Bad("empty label", 2, ("label",), arguments=("--env", "production", "--version-label", "")),
    Bad("nonsense timeout", 2, ("timeout",), arguments=("--env", "production", "--timeout", "soon"), calls_none=True),
    Bad("bucket not there", 2, ("no-such-bundles",), arguments=("--env", "production", "--bucket-name", "no-such-bundles")),
    Bad(
        "bucket in another region",
        2,
        ("west-bundles", "us-west-2"),
        arguments=("--env", "production", "--bucket-name", "west-bundles"),
        seed=lambda aws: aws.reset(buckets=[{"name": "west-bundles", "region": "us-west-2"}]),
    ),
    Bad(
        "somebody else's bucket under our default name",
        (2, 3),
        (BUCKET,),
        seed=lambda aws: aws.reset(buckets=[{"name": BUCKET, "owner": "999999999999"}]),
    ),
    Bad(
        "environment of another application",
        2,
        (ENVIRONMENT,),
        lambda p: p.write("beanship.yml", PROJECT.replace("app: shop", "app: other")),
        seed=lambda aws: aws.control(
            seed={
                "region": REGION,
                "applications": [{"name": "other"}, {"name": APPLICATION, "environments": [{"name": ENVIRONMENT}]}],
            }
        ),
    ),
    Bad(
        "tier that takes no bundle",
        2,
        ("Cluster",),
        seed=lambda aws: aws.reset({"name": ENVIRONMENT, "tier": ["Cluster", "EKS"]}),
    ),
    Bad("no credentials", 3, ("credentials",), env={"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}, calls_none=True),
    Bad("unknown key id", 3, ("security token",), env={"AWS_ACCESS_KEY_ID": "AKIANOBODY"}),
    Bad("wrong secret", 3, ("signature",), env={"AWS_SECRET_ACCESS_KEY": "wrong"}),
    Bad(
        "unknown profile", 3, ("nobody",), env={"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None, "AWS_PROFILE": "nobody"}
    ),
]


def refused(run: Run, code: int | tuple[int, ...], words: tuple[str, ...] = ()) -> dict[str, Any]:
    """The document of a run that refused to work, with a message and a hint."""
    assert run.code in (code if isinstance(code, tuple) else (code,)), run
    document = run.document
    error = document["error"]
    assert error, run
    assert error["kind"], run
    assert error["message"], run
    assert error["hints"] or POSITION.search(error["message"]), f"neither hint nor position: {run}"
    assert set(document) >= FIELDS, f"missing {sorted(FIELDS - set(document))}: {run}"
    said = (run.stdout + run.stderr).lower()
    missing = [word for word in words if word.lower() not in said]
    assert not missing, f"does not say {missing}: {run}"
    assert "panicked" not in run.stderr, run
    assert "SdkError" not in said, run
    return document


def flat(text: str) -> str:
    """Text without line breaks, colours and frames."""
    return " ".join(text.replace("|", " ").replace("│", " ").split())


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_bad_input_is_refused(aws: Aws, beanship: Beanship, project: Project, bad: Bad) -> None:
    bad.seed(aws)
    bad.spoil(project)
    env = beanship.env(**bad.env)
    run = beanship("deploy", *bad.arguments, "--output", "json", env=env)
    if bad.name != "nonsense timeout":  # the command line itself is wrong: nobody knows yet that JSON is wanted
        refused(run, bad.code, bad.words)
    human = beanship("deploy", *bad.arguments, env=env)
    assert human.code in (bad.code if isinstance(bad.code, tuple) else (bad.code,)), human
    assert human.stderr.strip(), human
    said = human.stderr.lower()
    assert all(word.lower() in said for word in bad.words), human
    if bad.position:
        assert bad.position in human.stderr, human
    assert run.seconds < 10
    assert [call for call in aws.calls if call.mutating] == []
    if bad.calls_none:
        assert aws.calls == [], "AWS was asked"


def test_an_expired_token_is_told(aws: Aws, beanship: Beanship) -> None:
    message = "The security token included in the request is expired"
    aws.control(faults=[{"kind": "error", "code": "ExpiredToken", "message": message, "status": 403, "times": 99}])
    refused(beanship.deploy(), 3, ("expired",))


def test_people_see_the_hint_too(aws: Aws, beanship: Beanship, project: Project) -> None:
    without_name(project)
    hints = refused(beanship.deploy(), 2)["error"]["hints"]
    human = beanship("deploy", "--env", "production")
    assert any(flat(hint)[:40] in flat(human.stderr) for hint in hints), human


def test_all_problems_are_reported_together(aws: Aws, beanship: Beanship, project: Project) -> None:
    without_name(project)
    run = beanship.deploy("--bucket-name", "no-such-bundles", "--version-label", "a/b")
    refused(run, 2, ("shop-nowhere", "no-such-bundles", "a/b"))
    assert [call for call in aws.calls if call.mutating] == []


def test_a_label_taken_by_other_content(aws: Aws, beanship: Beanship, project: Project) -> None:
    aws.control(deploy={"duration": 0.3})
    assert beanship.deploy("--version-label", "v1").code == 0
    before = [call for call in aws.calls if call.mutating]
    project.write("site/index.html", "<h1>other</h1>\n")
    refused(beanship.deploy("--version-label", "v1"), 2, ("v1",))
    assert len([call for call in aws.calls if call.mutating]) == len(before)


def test_a_label_taken_by_a_version_of_unknown_content(aws: Aws, beanship: Beanship) -> None:
    refused(beanship.deploy("--version-label", "Sample Application"), 2, ("Sample Application",))
    assert [call for call in aws.calls if call.mutating] == []


def test_a_label_of_the_same_content_is_fine(aws: Aws, beanship: Beanship) -> None:
    aws.control(deploy={"duration": 0.3})
    assert beanship.deploy("--version-label", "v1").code == 0
    run = beanship.deploy("--version-label", "v1")
    assert (run.code, run.document["outcome"]) == (0, "unchanged"), run


@pytest.fixture
def black_hole() -> Iterator[str]:
    """An endpoint that takes connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def closed_port() -> str:
    """An endpoint where nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("kind", ["closed_port", "black_hole"])
def test_a_dead_endpoint_is_given_up(beanship: Beanship, request: pytest.FixtureRequest, kind: str) -> None:
    endpoint = request.getfixturevalue(kind)
    run = beanship.deploy(env=beanship.env(AWS_ENDPOINT_URL=endpoint), timeout=45)
    refused(run, 3)
    assert run.seconds < 20, run
    assert endpoint in run.stdout + run.stderr or "AWS_ENDPOINT_URL" in run.stdout + run.stderr, run


NOBODY = 65534


@pytest.fixture
def as_nobody(binary: Path, aws: Aws) -> Iterator[tuple[Path, Callable[..., Run]]]:
    """A project and a runner for a user who may not read everything, even where the tests run as root."""
    root = os.geteuid() == 0
    if not root and os.name != "posix":
        pytest.skip("permissions cannot be taken away here")
    base = Path(tempfile.mkdtemp(prefix="conformance-"))
    project, home = base / "project", base / "home"
    for folder in (project, home):
        folder.mkdir()
    (project / "docker-compose.yml").write_text(COMPOSE)
    (project / "beanship.yml").write_text(PROJECT)
    program = base / "beanship"
    shutil.copy(binary, program)
    base.chmod(0o755)
    env = Beanship(program, home, Project(project), aws.endpoint).env()

    def run(*arguments: str) -> Run:
        options: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if root else {}
        if root:
            for path in (home, project):
                os.chown(path, NOBODY, NOBODY)
        done = subprocess.run(
            [str(program), *arguments], cwd=project, env=env, capture_output=True, text=True, timeout=30, check=False, **options
        )
        return Run(list(arguments), done.returncode, done.stdout, done.stderr, 0)

    yield project, run
    for path in base.rglob("*"):
        path.chmod(0o700)
    shutil.rmtree(base)


@pytest.mark.skipif(sys.platform == "win32", reason="modes do not take reading away")
@pytest.mark.parametrize("name", ["docker-compose.yml", "beanship.yml", "site/secret.html"])
def test_an_unreadable_file(aws: Aws, as_nobody: tuple[Path, Callable[..., Run]], name: str) -> None:
    project, run = as_nobody
    path = project / name
    path.parent.mkdir(exist_ok=True)
    path.touch()
    path.chmod(0o000)
    done = run("deploy", "--env", "production", "--output", "json")
    refused(done, 2, (name.rpartition("/")[2],))
    assert [call for call in aws.calls if call.mutating] == []
