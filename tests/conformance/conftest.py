"""Fixtures: the independent AWS, a project on disk, the program under test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import drivers
from aws import ACCESS_KEY, REGION, SECRET_KEY
from clients import Access


@pytest.fixture(scope="session")
def _aws_process() -> Iterator[drivers.Aws]:
    aws = drivers.Aws()
    yield aws
    aws.stop()


@pytest.fixture
def aws(_aws_process: drivers.Aws) -> drivers.Aws:
    """The independent AWS, with the application and its one environment and nothing wrong."""
    _aws_process.reset()
    return _aws_process


@pytest.fixture
def quick(aws: drivers.Aws) -> None:
    """Deploys and launches take half a second unless a test says otherwise."""
    aws.control(deploy={"duration": 0.5})


@pytest.fixture
def access(aws: drivers.Aws) -> Access:
    """How boto3 gets in."""
    return Access(aws.endpoint, REGION, ACCESS_KEY, SECRET_KEY)


@pytest.fixture
def project(tmp_path: Path) -> drivers.Project:
    """A small project, not in git."""
    made = drivers.Project(tmp_path / "project")
    made.write("docker-compose.yml", drivers.COMPOSE)
    made.write("beanship.yml", drivers.PROJECT)
    made.write("site/index.html", "<h1>shop</h1>\n")
    return made


@pytest.fixture(scope="session")
def binary() -> Path:
    """The program under test; a run without it fails, it does not skip."""
    found = drivers.binary()
    if found is None or not found.exists():
        pytest.fail(f"no program to test: build it, or name it in BEANSHIP ({found})", pytrace=False)
    return found


@pytest.fixture
def beanship(binary: Path, aws: drivers.Aws, project: drivers.Project, tmp_path: Path) -> drivers.Beanship:
    """The program under test, against the independent AWS."""
    home = tmp_path / "home"
    home.mkdir()
    return drivers.Beanship(binary, home, project, aws.endpoint)
