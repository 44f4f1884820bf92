"""Trouble with single calls: a list of rules, each of them made from JSON.

    {"kind": "throttle", "every": 2}                                   every second call
    {"kind": "unavailable", "every": 5}                                 scattered 503s
    {"kind": "lose", "operation": "UpdateEnvironment"}                  carried out, the answer lost, once
    {"kind": "deny", "operation": "CreateApplicationVersion"}           AccessDenied, always

| kind        | what happens                                                       | times, unless told |
|-------------|--------------------------------------------------------------------|--------------------|
| throttle    | 400 Throttling "Rate exceeded"; S3: 503 SlowDown                   | always             |
| unavailable | 503 ServiceUnavailable                                             | always             |
| internal    | 500 InternalFailure; S3: InternalError                             | always             |
| deny        | 403 AccessDenied, naming the action                                | always             |
| error       | `status`, `code`, `message` as given                               | once               |
| cut         | the connection ends before anything was done                       | always             |
| lose        | the call is carried out, then the connection ends without an answer | once               |
| truncate    | the call is carried out, half of the answer is sent                | once               |
| slow        | the call waits for `seconds` first                                 | always             |
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from .errors import AwsError

_ONCE = {"error", "lose", "truncate"}
_KINDS = _ONCE | {"throttle", "unavailable", "internal", "deny", "cut", "slow"}


@dataclass
class Fault:
    """One rule; `service` and `operation` narrow it, `every` takes only each nth fitting call, `times` ends it."""

    kind: str
    service: str | None = None
    operation: str | None = None
    every: int = 1
    times: int | None = None
    status: int = 400
    code: str = "ServiceUnavailable"
    message: str = ""
    seconds: float = 0.0
    seen: int = field(default=0, init=False)
    done: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise ValueError(f"no such fault: {self.kind}")
        if self.times is None and self.kind in _ONCE:
            self.times = 1

    def takes(self, service: str, operation: str) -> bool:
        """Whether this call is hit; counts it."""
        if self.service not in (None, service) or self.operation not in (None, operation):
            return False
        self.seen += 1
        if self.seen % self.every or (self.times is not None and self.done >= self.times):
            return False
        self.done += 1
        return True

    def error(self, service: str, operation: str, account: str) -> AwsError | None:
        """The error it answers with, if that is what it does."""
        is_s3 = service == "s3"
        if self.kind == "throttle":
            return (
                AwsError("SlowDown", "Please reduce your request rate.", 503)
                if is_s3
                else AwsError("Throttling", "Rate exceeded")
            )
        if self.kind == "unavailable":
            return AwsError("ServiceUnavailable", "Service is unable to handle request.", 503)
        if self.kind == "internal":
            return AwsError(
                "InternalError" if is_s3 else "InternalFailure", "We encountered an internal error. Please try again.", 500
            )
        if self.kind == "deny":
            action = f"{service}:{operation}"
            user = f"arn:aws:iam::{account}:user/conformance"
            reason = f"no identity-based policy allows the {action} action"
            message = f"User: {user} is not authorized to perform: {action} because {reason}"
            return AwsError("AccessDenied", message, 403)
        if self.kind == "error":
            return AwsError(self.code, self.message, self.status)
        return None


class Faults:
    """The rules in force; at most one hits a call."""

    def __init__(self, rules: list[Fault] | None = None) -> None:
        self._lock = threading.Lock()
        self.rules = rules or []

    def hit(self, service: str, operation: str) -> Fault | None:
        """The rule that hits this call."""
        with self._lock:
            return next((rule for rule in self.rules if rule.takes(service, operation)), None)
