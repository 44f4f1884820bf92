"""The log of calls: what was asked, what came of it, and when."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Call:
    """One request. `effect` is `served`, or what trouble did to it: see `faults`."""

    number: int
    service: str
    operation: str
    region: str
    time: float
    request_id: str
    mutating: bool
    parameters: dict[str, Any] = field(default_factory=dict)
    status: int = 0
    code: str | None = None
    effect: str = "served"
    finished: float = 0.0


class Calls:
    """All calls since the last reset, in the order they came."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: list[Call] = []

    def open(self, **fields: Any) -> Call:
        """Notes a call that has just come in."""
        with self._lock:
            call = Call(number=len(self._calls) + 1, **fields)
            self._calls.append(call)
            return call

    def clear(self) -> None:
        """Forgets all calls."""
        with self._lock:
            self._calls = []

    def as_json(self) -> list[dict[str, Any]]:
        """The calls as JSON values."""
        with self._lock:
            return [asdict(call) for call in self._calls]
