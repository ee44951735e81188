"""A difference between what the meter recorded and what was derived anew, with both sides of it."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Difference:
    """`subject` is unique within its kind. `user_id` was charged `overcharged_micros` too much.

    `provable` false: the log is not whole, so this run gives no money back. `undercharged`: the platform bears it.
    """

    kind: str
    subject: str
    recorded: dict[str, Any]
    derived: dict[str, Any]
    user_id: int | None = None
    video_id: int | None = None
    overcharged_micros: int = 0
    undercharged: bool = False
    provable: bool = True


@dataclass
class Counts:
    """What was compared; `unproven`: watches and sessions that may be right, were the log whole."""

    lines: int = 0
    sessions: int = 0
    watches: int = 0
    charges: int = 0
    journals: int = 0
    wallets: int = 0
    unproven: int = 0
