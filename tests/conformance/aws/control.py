"""What tests say to the server and ask of it, apart from AWS.

POST /_control   sets knobs, see `scenario` and `faults`
GET  /_calls     the calls since the last reset
GET  /_state     environments, versions (with their bundles' files) and objects
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

from . import bundles, deployment, moto_side
from .faults import Fault, Faults
from .scenario import Deploy, Scenario
from .world import World


class Control:
    """The knobs of a `World`."""

    def __init__(self, world: World, seed: dict[str, Any]) -> None:
        self.world = world
        self.default_seed = seed
        self._serial = threading.Lock()
        self.reset(seed)

    def handle(self, method: str, path: str, wish: dict[str, Any]) -> Any:
        """Answers one request."""
        if (method, path) == ("GET", "/_calls"):
            return self.world.calls.as_json()
        with self._serial, self.world.lock:
            self.world.settle()
            if (method, path) == ("GET", "/_state"):
                return self.state()
            if (method, path) == ("POST", "/_control"):
                self.apply(dict(wish))
                return {"ok": True}
        raise ValueError(f"no such place: {method} {path}")

    def reset(self, seed: dict[str, Any]) -> None:
        """Starts again from `seed`."""
        self.world.clear()
        moto_side.use_account(self.world.account)
        moto_side.reset()
        self.world.seed(seed)
        for bucket in seed.get("buckets", []):
            owner = bucket.get("owner", self.world.account)
            moto_side.make_bucket(owner, bucket["name"], bucket.get("region", seed["region"]))
            self.world.bucket_owners[bucket["name"]] = owner

    def apply(self, wish: dict[str, Any]) -> None:
        """Does what `wish` says; an unknown key is an error."""
        world = self.world
        seed = wish.pop("seed", None)
        if wish.pop("reset", seed is not None):
            self.reset(seed or self.default_seed)
        for key, value in wish.items():
            match key:
                case "deploy":
                    world.scenario.deploy = Deploy(**value)
                case "faults":
                    world.faults = Faults([Fault(**rule) for rule in value])
                case "clock_skew":
                    world.clock.skew = float(value)
                case "busy":
                    self.busy(**value)
                case "environment":
                    self.change_environment(**value)
                case "remove_object":
                    self.remove_object(**value)
                case _ if key in Scenario.__dataclass_fields__:
                    world.scenario = replace(world.scenario, **{key: value})
                case _:
                    raise ValueError(f"no such knob: {key}")

    def busy(self, environment: str, seconds: float, fails: bool = False) -> None:
        """Someone else's update of `environment` starts now."""
        for found in self._named(environment):
            deployment.somebody_elses(self.world, found, f"other-{self.world.number()}", seconds, fails)

    def change_environment(self, name: str, **fields: Any) -> None:
        """Sets fields of an environment, such as `status`, `health` or `label`."""
        for found in self._named(name):
            for field, value in fields.items():
                if field not in found.__dataclass_fields__:
                    raise ValueError(f"no such field: {field}")
                setattr(found, field, tuple(value) if field == "tier" else value)

    def remove_object(self, bucket: str, key: str) -> None:
        """Takes an object out of S3 behind everybody's back."""
        moto_side.remove_object(self.world.account, bucket, key)

    def _named(self, name: str) -> list[Any]:
        found = [e for region in self.world.regions.values() for e in region.environments if e.name == name]
        if not found:
            raise ValueError(f"no such environment: {name}")
        return found

    def state(self) -> dict[str, Any]:
        """What exists."""
        account = self.world.account
        regions = self.world.regions.values()
        return {
            "environments": {
                e.name: {
                    "status": e.status,
                    "label": e.label,
                    "health": e.health,
                    "region": e.region,
                    "deployments": e.deployments,
                    "instances": [{"label": i.label, "status": i.status} for i in e.instances],
                    "options": [[*key, value] for key, value in e.options.items()],
                }
                for region in regions
                for e in region.environments
            },
            "versions": {
                version.label: {
                    "application": application.name,
                    "source": version.source,
                    "description": version.description,
                    "files": bundles.files(account, *version.source) if version.source else None,
                }
                for region in regions
                for application in region.applications.values()
                for version in application.versions.values()
            },
            "objects": moto_side.object_keys(account),
        }
