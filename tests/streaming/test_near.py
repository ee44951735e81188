"""What a process remembers of sessions: never longer than it hears of changes, and nothing that was read before one."""

import time

from api.streaming.near import DEAF_S, Near


def hearing() -> Near[str]:
    """As if the last look at what changed had only begun, and will have for a minute."""
    near: Near[str] = Near()
    near.heard(time.monotonic() + 60)
    return near


def put(near: Near[str], session_id: str, for_s: float = 60) -> None:
    near.put(session_id, "plays", time.time() + for_s, near.forgettings)


def test_a_session_is_remembered_until_it_changes() -> None:
    near = hearing()
    put(near, "a")
    put(near, "b")
    near.forget(["a", "unknown"])
    assert (near.get("a"), near.get("b")) == (None, "plays")


def test_nothing_is_remembered_by_who_hears_of_no_changes() -> None:
    near: Near[str] = Near()
    put(near, "a")
    assert near.get("a") is None
    near.heard(time.monotonic() - DEAF_S)
    assert near.get("a") is None
    near.heard(time.monotonic() + 60)
    assert near.get("a") == "plays"


def test_what_was_read_before_a_change_is_not_remembered_after_it() -> None:
    near = hearing()
    reading = near.forgettings
    near.forget(["a"])
    near.put("a", "plays", time.time() + 60, reading)
    assert near.get("a") is None


def test_a_state_is_remembered_for_no_longer_than_it_may_be_kept() -> None:
    near = hearing()
    put(near, "a", for_s=-0.01)
    assert near.get("a") is None
