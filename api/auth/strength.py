"""Which new passwords are refused: short, huge, common, repetitive, a run of keys, or made of the owner's address.

`common_passwords.txt` is data: lower-case passwords of at least ten characters that guessing starts with.
"""

from functools import cache
from pathlib import Path

from api.problems import InvalidRequest

MIN_LENGTH = 10
MAX_BYTES = 1024
MIN_DISTINCT = 5
MIN_BEYOND_ADDRESS = 6
RUNS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890123456789",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
)


class WeakPassword(InvalidRequest):
    detail = "Choose another password; see errors."


def require_strong(password: str, email: str) -> None:
    """Raise WeakPassword, with the reason for the form's field, unless `email`'s owner may use `password`."""
    if reason := weakness(password, email):
        raise WeakPassword(reason, errors=[{"field": "password", "message": reason}])


def weakness(password: str, email: str) -> str | None:
    """Why a password is refused, in a sentence, or None."""
    lowered = password.lower()
    if len(password) < MIN_LENGTH:
        return f"Use at least {MIN_LENGTH} characters."
    if len(password.encode()) > MAX_BYTES:
        return f"Use at most {MAX_BYTES} bytes."
    if len(set(lowered)) < MIN_DISTINCT or _repeats(lowered):
        return "This password repeats itself; make it more varied."
    if _is_run(lowered) or lowered.rstrip("!?.") in common_passwords():
        return "This password is among the first that are guessed; choose another."
    if _beyond_address(lowered, email) < MIN_BEYOND_ADDRESS:
        return "This password is too close to your email address."
    return None


@cache
def common_passwords() -> frozenset[str]:
    return frozenset(Path(__file__).with_name("common_passwords.txt").read_text().split())


def _repeats(lowered: str) -> bool:
    """A text made of one repeated part is found inside its own double."""
    return lowered in (lowered + lowered)[1:-1]


def _is_run(lowered: str) -> bool:
    return any(lowered in run or lowered in run[::-1] for run in RUNS)


def _beyond_address(lowered: str, email: str) -> int:
    """How many characters are left when the address and its local part are taken out."""
    return len(lowered.replace(email, "").replace(email.partition("@")[0], ""))
