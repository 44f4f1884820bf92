"""What the tests may ask for: the knobs of `POST /_control`.

    {"reset": true, "seed": {...}, "deploy": {...}, "faults": [...], "clock_skew": 7200, "busy": {...}, ...}

All of it is optional. `reset` empties the whole account (then `seed` or the seed of the start applies); every other
key sets one thing and leaves the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, field

RESULTS = (
    "ok",  # Ready, Green, the new label
    "failing",  # EB's ERROR events, the old label kept, Red
    "silent",  # Ready and Green with the old label, and no ERROR event
    "red",  # EB's success events, the new label, Red
    "yellow",  # EB's success events, the new label, Yellow
    "mixed",  # EB's success events, the new label, Green, one instance still on the old version
    "timeouts",  # ends "but with command timeouts", an INFO event, the new label
    "errors",  # ends "but with errors", an INFO event, the new label
    "never",  # stays Updating
)


@dataclass
class Deploy:
    """How the next updates of environments go; `result` is one of RESULTS."""

    duration: float = 1.0
    result: str = "ok"
    unrelated_error: bool = False  # an ERROR event without RequestId appears meanwhile
    early_green: bool = False  # "Environment health has been set to GREEN" appears long before the end
    label: str = "end"  # when DescribeEnvironments shows the new label: "end" or "start"
    health_after: float = 0.0  # seconds after Ready until health tells the result; Grey/Pending until then
    intruder: float = 0.0  # an update by someone else starts when a version is created, and takes so long
    events_late: float = 0.0  # seconds until an event can be seen

    def __post_init__(self) -> None:
        if self.result not in RESULTS:
            raise ValueError(f"no such result: {self.result}")


@dataclass
class Scenario:
    """Everything that can be asked for besides the faults of single calls."""

    deploy: Deploy = field(default_factory=Deploy)
    version_after: float = 0.0  # seconds until a new version can be seen
    refuse_skewed: bool = False  # refuse signatures made at another time, as AWS does
    version_quota: int = 1000
