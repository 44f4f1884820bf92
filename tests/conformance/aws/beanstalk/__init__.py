"""Elastic Beanstalk: the operations, each a function from the validated input to the answer."""

from __future__ import annotations

from typing import Any

from ..errors import AwsError
from ..model import Model
from ..world import World
from . import account, applications, environments, observation, platforms, settings, versions
from .registry import OPERATIONS, Context

__all__ = ["Beanstalk"]

# Importing the modules fills the registry.
_MODULES = (account, applications, environments, observation, platforms, settings, versions)


class Beanstalk:
    """The service in front of a `World`."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.model = Model("elasticbeanstalk")

    def handle(self, form: dict[str, str], context: Context) -> tuple[dict[str, Any], bytes]:
        """Serves one call: the input it understood, and the answer's XML."""
        name = form.get("Action", "")
        parameters = self.model.parse(name, form)
        if name not in OPERATIONS:
            raise AwsError("InvalidAction", f"The action {name} is not served here")
        with self.world.lock:
            self.world.settle()
            answer = OPERATIONS[name](context, parameters)
            self.world.settle()
        return parameters, self.model.serialise(name, answer, context.request_id)
