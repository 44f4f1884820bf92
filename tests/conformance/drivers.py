"""What the tests drive: the program under test, projects on disk for it, and the independent AWS."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aws import ACCESS_KEY, ACCOUNT, REGION, SECRET_KEY

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
APPLICATION = "shop"
ENVIRONMENT = "shop-production"
BUCKET = f"elasticbeanstalk-{REGION}-{ACCOUNT}"

COMPOSE = """\
services:
  web:
    image: nginx:1.27
    ports: ["80:80"]
    mem_limit: 128m
    volumes:
      - ./site:/usr/share/nginx/html:ro
"""
PROJECT = f"""\
app: {APPLICATION}
region: {REGION}
environments:
  production:
    name: {ENVIRONMENT}
"""

# What the JSON document of a deploy holds, whatever came of it: what is not known is null.
FIELDS = {
    "outcome",
    "application",
    "environment",
    "environment_id",
    "version_label",
    "previous_version_label",
    "bundle",
    "url",
    "health",
    "duration_seconds",
    "events",
    "error",
}


def binary() -> Path | None:
    """The program under test: BEANSHIP, or the newest build of the repository."""
    if named := os.environ.get("BEANSHIP"):
        return Path(named).resolve()
    builds = [REPOSITORY / "target" / profile / "beanship" for profile in ("debug", "release")]
    return next((build for build in builds if build.exists()), None)


def await_true(condition: Callable[[], Any], seconds: float = 10.0, what: str = "") -> Any:
    """Waits until `condition` gives something true, and gives it back."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what or condition}")
        time.sleep(0.02)
    return value


def clean_environment(home: Path, **more: str) -> dict[str, str]:
    """An environment with nothing of the caller's but PATH."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", **more}


@dataclass
class Run:
    """A finished command."""

    arguments: list[str]
    code: int
    stdout: str
    stderr: str
    seconds: float

    @property
    def document(self) -> dict[str, Any]:
        """stdout as the one JSON document it has to be."""
        try:
            return dict(json.loads(self.stdout))
        except ValueError as problem:
            raise AssertionError(f"stdout is not exactly one JSON document ({problem}):\n{self}") from None

    def __str__(self) -> str:
        said = f"$ {' '.join(self.arguments)}\nexit {self.code} after {self.seconds:.2f} s"
        return f"{said}\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"


def run(arguments: list[str], cwd: Path, env: dict[str, str], timeout: float = 60.0) -> Run:
    """Runs a command to its end; one that does not end in time fails the test with what it said."""
    began = time.monotonic()
    child = subprocess.Popen(
        arguments, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        stdout, stderr = child.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        child.kill()
        stdout, stderr = child.communicate()
        raise AssertionError(f"still running after {timeout} s: {Run(arguments, -1, stdout, stderr, timeout)}") from None
    return Run(arguments, child.returncode, stdout, stderr, time.monotonic() - began)


@dataclass
class Call:
    """A call as the independent AWS logged it."""

    service: str
    operation: str
    region: str
    time: float
    finished: float
    status: int
    code: str | None
    effect: str
    mutating: bool
    parameters: dict[str, Any]

    def __repr__(self) -> str:
        return f"{self.service}:{self.operation} {self.status or '-'} {self.code or ''} {self.effect}".strip()


class Aws:
    """The independent AWS in a process of its own."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "aws", "--port", "0", "--until-eof"],
            cwd=HERE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        hello = json.loads(self._process.stdout.readline())
        self.endpoint: str = hello["endpoint"]

    def stop(self) -> None:
        """Ends the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)

    def _ask(self, method: str, path: str, value: Any = None) -> Any:
        body = None if value is None else json.dumps(value).encode()
        request = urllib.request.Request(self.endpoint + path, body, {"Content-Type": "application/json"}, method=method)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
            return json.load(answer)

    def control(self, **knobs: Any) -> None:
        """Sets knobs, see the package `aws`."""
        self._ask("POST", "/_control", knobs)

    def reset(self, *environments: dict[str, Any], **seed: Any) -> None:
        """Starts again with the application and these environments."""
        applications = [{"name": APPLICATION, "environments": list(environments) or [{"name": ENVIRONMENT}]}]
        self.control(reset=True, seed={"region": REGION, "applications": applications, **seed})

    @property
    def state(self) -> dict[str, Any]:
        """What exists."""
        return dict(self._ask("GET", "/_state"))

    @property
    def calls(self) -> list[Call]:
        """The calls so far."""
        names = Call.__dataclass_fields__
        return [Call(**{name: value for name, value in call.items() if name in names}) for call in self._ask("GET", "/_calls")]

    def called(self, operation: str) -> list[Call]:
        """The calls of one operation."""
        return [call for call in self.calls if call.operation == operation]

    def environment(self, name: str = ENVIRONMENT) -> dict[str, Any]:
        """An environment's state."""
        return dict(self.state["environments"][name])


@dataclass
class Project:
    """A project directory."""

    path: Path
    files: dict[str, str | bytes] = field(default_factory=dict)

    def write(self, name: str, content: str | bytes) -> Path:
        """Writes a file, with its folders."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def git(self, *arguments: str) -> str:
        """Runs git without anybody's configuration."""
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.path),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "a",
            "GIT_AUTHOR_EMAIL": "a@example.com",
            "GIT_COMMITTER_NAME": "a",
            "GIT_COMMITTER_EMAIL": "a@example.com",
        }
        done = subprocess.run(["git", *arguments], cwd=self.path, env=env, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self, message: str) -> str:
        """Commits everything, making the repository if need be; gives the short id."""
        if not (self.path / ".git").exists():
            self.git("init", "-q", "-b", "main")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "--short", "HEAD")


@dataclass
class Beanship:
    """The program under test, against one endpoint and in one project."""

    path: Path
    home: Path
    project: Project
    endpoint: str

    def env(self, **more: str | None) -> dict[str, str]:
        """A clean environment with keys and the endpoint; None takes a variable away."""
        variables: dict[str, str | None] = {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_EC2_METADATA_DISABLED": "true",
            "BEANSHIP_POLL_INTERVAL": "200ms",
            **more,
        }
        return clean_environment(self.home, **{name: value for name, value in variables.items() if value is not None})

    def __call__(self, *arguments: str, env: dict[str, str] | None = None, cwd: Path | None = None, timeout: float = 60.0) -> Run:
        return run([str(self.path), *arguments], cwd or self.project.path, env or self.env(), timeout)

    def deploy(self, *arguments: str, **options: Any) -> Run:
        """`deploy --env production --output json` and more."""
        return self("deploy", "--env", "production", "--output", "json", *arguments, **options)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Starts it without waiting for it."""
        return subprocess.Popen(
            [str(self.path), *arguments],
            cwd=self.project.path,
            env=self.env(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
