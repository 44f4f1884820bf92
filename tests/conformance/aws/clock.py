"""The server's clock: runs with the machine's, and may be hours off from it."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone


class Clock:
    """Gives the time as AWS sees it, in seconds since the epoch; `skew` is what it is ahead of the machine."""

    def __init__(self, skew: float = 0.0) -> None:
        self.skew = skew

    def now(self) -> float:
        """AWS's time now."""
        return time.time() + self.skew


def as_datetime(seconds: float) -> datetime:
    """`seconds` since the epoch as an aware UTC datetime."""
    return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds)


def as_text(seconds: float) -> str:
    """`seconds` since the epoch as the query protocol writes it, with milliseconds."""
    return as_datetime(seconds).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
