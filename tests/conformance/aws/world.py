"""What exists: applications, versions, environments with their instances and events; and the seed they start from."""

from __future__ import annotations

import hashlib
import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .calls import Calls
from .clock import Clock
from .faults import Faults
from .scenario import Scenario

SOLUTION_STACK = "64bit Amazon Linux 2023 v4.13.1 running Docker"
PLATFORM = "Docker running on 64bit Amazon Linux 2023"
PLATFORM_VERSION = "4.13.1"
SAMPLE = "Sample Application"


@dataclass
class Version:
    """An application version; `source` is (bucket, key), or None for EB's sample."""

    label: str
    application: str
    created: float
    source: tuple[str, str] | None
    description: str = ""
    status: str = "UNPROCESSED"
    visible: float = 0.0  # not seen before
    processed: tuple[float, str] | None = None  # when its status becomes another


@dataclass
class Application:
    """An application of one region."""

    name: str
    created: float
    description: str = ""
    versions: dict[str, Version] = field(default_factory=dict)
    lifecycle: dict[str, Any] = field(default_factory=dict)


@dataclass
class Instance:
    """One EC2 instance of an environment and what was last deployed to it."""

    id: str
    label: str | None
    deployment: int = 1
    status: str = "Deployed"
    deployed: float = 0.0
    health: str = "Ok"
    causes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Event:
    """One line of an environment's story."""

    time: float
    visible: float
    severity: str
    message: str
    application: str
    environment: str | None
    label: str | None
    request_id: str | None


@dataclass(order=True)
class Step:
    """Something that happens to an environment at a time."""

    due: float
    number: int
    act: Callable[[], None] = field(compare=False)


@dataclass
class Environment:
    """An environment; its future stands in `steps`, which `World.settle` applies when they are due."""

    name: str
    id: str
    application: str
    region: str
    created: float
    enhanced: bool = True
    tier: tuple[str, str] = ("WebServer", "Standard")
    status: str = "Ready"
    label: str | None = SAMPLE
    health: str = "Green"
    health_status: str = "Ok"
    causes: list[str] = field(default_factory=list)
    abortable: bool = False
    instances: list[Instance] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    updated: float = 0.0
    deployments: int = 1
    description: str = ""
    cname_prefix: str = ""
    options: dict[tuple[str, str], str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    operations_role: str | None = None
    logs_until: float = 0.0

    @property
    def cname(self) -> str:
        """The environment's host name."""
        return f"{self.cname_prefix or self.name.lower()}.{self.region}.elasticbeanstalk.com"


@dataclass
class Region:
    """What one region holds."""

    applications: dict[str, Application] = field(default_factory=dict)
    environments: list[Environment] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)


class World:
    """The account. `lock` is held by whoever reads or changes it."""

    def __init__(self, account: str) -> None:
        self.account = account
        self.lock = threading.RLock()
        self.clock = Clock()
        self.calls = Calls()
        self.faults = Faults()
        self.scenario = Scenario()
        self.regions: dict[str, Region] = {}
        self.bucket_owners: dict[str, str] = {}
        self._numbers = itertools.count(1)

    def clear(self) -> None:
        """Empties the account and forgets all trouble."""
        self.regions.clear()
        self.bucket_owners.clear()
        self.calls.clear()
        self.clock = Clock()
        self.faults = Faults()
        self.scenario = Scenario()

    def region(self, name: str) -> Region:
        """The region called `name`."""
        return self.regions.setdefault(name, Region())

    def number(self) -> int:
        """A number never given before."""
        return next(self._numbers)

    def identifier(self, prefix: str, length: int, *parts: str) -> str:
        """An id like AWS's that depends on `parts` only."""
        return prefix + hashlib.sha256("/".join(parts).encode()).hexdigest()[:length]

    def schedule(self, environment: Environment, due: float, act: Callable[[], None]) -> None:
        """Lets `act` happen to `environment` at `due`."""
        environment.steps.append(Step(due, self.number(), act))
        environment.steps.sort()

    def settle(self) -> None:
        """Applies what is due."""
        now = self.clock.now()
        for region in self.regions.values():
            for environment in region.environments:
                while environment.steps and environment.steps[0].due <= now:
                    step = environment.steps.pop(0)
                    environment.updated = step.due
                    step.act()
            for application in region.applications.values():
                for version in application.versions.values():
                    if version.processed and version.processed[0] <= now:
                        version.status, version.processed = version.processed[1], None

    def tell(
        self,
        environment: Environment,
        time: float,
        message: str,
        severity: str = "INFO",
        request_id: str | None = None,
        label: str | None = None,
    ) -> None:
        """Adds an event of `environment`."""
        self.region(environment.region).events.append(
            Event(
                time=time,
                visible=time + self.scenario.deploy.events_late,
                severity=severity,
                message=message,
                application=environment.application,
                environment=environment.name,
                label=label,
                request_id=request_id,
            )
        )

    def add_environment(self, region: str, application: str, seed: dict[str, Any]) -> Environment:
        """Makes a Ready environment as `seed` describes it."""
        now = self.clock.now()
        name = seed["name"]
        label = seed.get("version", SAMPLE)
        environment = Environment(
            name=name,
            id=self.identifier("e-", 10, region, application, name),
            application=application,
            region=region,
            created=now - 86400,
            updated=now - 3600,
            enhanced=seed.get("enhanced", True),
            tier=tuple(seed.get("tier", ("WebServer", "Standard"))),
            label=label,
            options={(o["namespace"], o["name"]): o["value"] for o in seed.get("options", [])},
        )
        environment.options.setdefault(
            ("aws:elasticbeanstalk:healthreporting:system", "SystemType"), "enhanced" if environment.enhanced else "basic"
        )
        if not environment.enhanced:
            environment.health_status = ""
        for index in range(seed.get("instances", 1)):
            environment.instances.append(
                Instance(self.identifier("i-0", 16, environment.id, str(index)), label, deployed=now - 86400)
            )
        self.region(region).environments.append(environment)
        self.tell(environment, now - 3700, "Environment update is starting.", request_id="00000000-seed")
        self.tell(environment, now - 3600, "Environment update completed successfully.", request_id="00000000-seed")
        return environment

    def seed(self, seed: dict[str, Any]) -> None:
        """Makes the applications and environments that `seed` lists."""
        now = self.clock.now()
        for entry in seed.get("applications", []):
            region = entry.get("region", seed["region"])
            application = Application(entry["name"], now - 90000)
            self.region(region).applications[application.name] = application
            for environment in entry.get("environments", []):
                made = self.add_environment(region, application.name, environment)
                if made.label and made.label not in application.versions:
                    application.versions[made.label] = Version(made.label, application.name, now - 90000, None)
