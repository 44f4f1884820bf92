"""The table of operations, and what they share: finding things, and their descriptions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..errors import AwsError
from ..world import Application, Environment, Region, World

Parameters = dict[str, Any]
Answer = dict[str, Any] | None


@dataclass(frozen=True)
class Context:
    """Where a call came from."""

    world: World
    region_name: str
    request_id: str
    endpoint: str

    @property
    def region(self) -> Region:
        """The books of the call's region."""
        return self.world.region(self.region_name)

    def arn(self, kind: str, *names: str) -> str:
        """An ARN of this region and account."""
        return f"arn:aws:elasticbeanstalk:{self.region_name}:{self.world.account}:{kind}/{'/'.join(names)}"


OPERATIONS: dict[str, Callable[[Context, Parameters], Answer]] = {}


def operation(name: str) -> Callable[[Callable[[Context, Parameters], Answer]], Callable[[Context, Parameters], Answer]]:
    """Enters a function as the operation `name`."""

    def enter(function: Callable[[Context, Parameters], Answer]) -> Callable[[Context, Parameters], Answer]:
        OPERATIONS[name] = function
        return function

    return enter


def invalid(message: str) -> AwsError:
    """EB's error for nearly everything."""
    return AwsError("InvalidParameterValue", message)


def the_application(context: Context, name: str) -> Application:
    """The application called `name`, or EB's error."""
    if name not in context.region.applications:
        raise invalid(f"No Application named '{name}' found.")
    return context.region.applications[name]


def the_environment(context: Context, parameters: Parameters) -> Environment:
    """The environment a call names by id or name, or EB's error."""
    wanted_id, wanted_name = parameters.get("EnvironmentId"), parameters.get("EnvironmentName")
    if wanted_id is None and wanted_name is None:
        raise AwsError("MissingRequiredParameter", "Must specify either EnvironmentId or EnvironmentName.")
    for environment in context.region.environments:
        if environment.status != "Terminated" and wanted_id in (None, environment.id) and wanted_name in (None, environment.name):
            return environment
    field, value = ("EnvironmentId", wanted_id) if wanted_id is not None else ("EnvironmentName", wanted_name)
    raise invalid(f"No Environment found for {field} = '{value}'.")


def must_be_ready(environment: Environment) -> None:
    """EB refuses a second operation while one runs."""
    if environment.status != "Ready":
        raise invalid(f"Environment named {environment.name} is in an invalid state for this operation. Must be Ready.")
