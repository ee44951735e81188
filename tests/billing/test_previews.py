"""A free preview (rule 6): the film's beginning is never charged, and needs no money."""

import pytest

from tests.billing.scenes import FILM_MS, VIDEO, Scene, check_books, fetched, played
from tests.conftest import PlatformMaker

PREVIEW = {"preview_ms": 30_000}


@pytest.mark.parametrize(
    ("what", "lines", "charged"),
    [
        ("nothing of it is charged", played("s", 0, 28_000), 0),
        ("a segment across its end is charged in part", played("s", 0, 32_000), 2_000),
        ("what lies behind it is charged", played("s", 40_000, 60_000), 20_000),
        ("seen twice it is free twice", [*played("s", 0, 40_000), *played("s", 0, 40_000)], 10_000),
        ("seen last it is free too", [*played("s", 40_000, 60_000), *played("s", 0, 28_000)], 20_000),
    ],
)
async def test_a_preview_is_free(platform: PlatformMaker, what: str, lines: list[bytes], charged: int) -> None:
    scene = Scene(await platform("billing"))
    await scene.deposit()
    assert (await scene.start("s", **PREVIEW)).preview_ms == 30_000
    await scene.log(*lines)
    hold = await scene.end("s", FILM_MS)
    assert (hold.charged_micros, hold.forgiven_ms) == (charged, 0), what
    await check_books(scene.db)


async def test_only_what_was_to_be_paid_is_forgiven(platform: PlatformMaker) -> None:
    scene = Scene(await platform("billing"))
    await scene.deposit()
    await scene.start("s", **PREVIEW)
    await scene.log(*played("s", 0, 40_000))
    hold = await scene.end("s", 0)
    assert (hold.delivered_ms, hold.forgiven_ms, hold.charged_micros) == (40_000, 10_000, 0)
    await check_books(scene.db)


async def test_a_preview_needs_no_money_and_what_follows_does(platform: PlatformMaker) -> None:
    scene = Scene(await platform("billing"))
    hold = await scene.start("s", **PREVIEW)
    assert (hold.state, hold.held_micros, hold.preview_ms) == ("spent", 0, 30_000)
    await scene.log(*played("s", 0, 28_000))
    assert (await scene.hold("s")).charged_micros == 0
    assert (await scene.try_start("t", video_id=VIDEO + 1)).status_code == 402
    await scene.deposit(amount=100)
    assert (await scene.hold("s")).state == "open"


async def test_its_price_and_preview_are_those_of_when_the_watch_began(platform: PlatformMaker) -> None:
    scene = Scene(await platform("billing"))
    await scene.deposit()
    await scene.start("s", **PREVIEW)
    await scene.log(*played("s", 0, 40_000))
    await scene.end("s", 40_000)
    for changed in (0, 600_000):
        later = await scene.start(f"after {changed}".replace(" ", "-"), preview_ms=changed)
        assert later.preview_ms == 30_000
    await scene.log(*played("after-0", 0, 60_000))
    assert (await scene.hold("after-0")).charged_micros == 20_000
    assert (await scene.start("elsewhere", video_id=VIDEO + 1, preview_ms=8_000)).preview_ms == 8_000


async def test_a_claim_is_counted_beyond_the_preview(platform: PlatformMaker) -> None:
    scene = Scene(await platform("billing"))
    await scene.deposit()
    await scene.start("s", **PREVIEW)
    for seen_ms, charged in ((20_000, 0), (60_000, 3)):
        done = await scene.internal("POST", "/api/billing/charge", {"session_id": "s", "seen_ms": seen_ms})
        assert done.json()["charged"] == charged
    await check_books(scene.db)


async def test_the_proof_tells_the_preview_apart(platform: PlatformMaker) -> None:
    scene = Scene(await platform("billing"))
    await scene.deposit()
    await scene.start("s", **PREVIEW)
    await scene.log(*played("s", 0, 40_000), fetched("s", 0))
    await scene.end("s", 36_000)
    found = await scene.told("sessions/s/proof")
    assert found["intervals"] == {
        "delivered": [[0, 40_000]], "preview": [[0, 30_000]], "charged": [[30_000, 36_000]], "free": [],
        "forgiven": [[36_000, 40_000]], "exact": True,
    }  # fmt: skip
    sums = found["arithmetic"]
    assert (sums["preview_ms"], sums["free_ms"], sums["forgiven_ms"], sums["payable_ms"]) == (30_000, 0, 4_000, 6_000)
    assert (sums["charged_micros"], found["watches"][0]["balanced"]) == (6_000, True)


async def test_a_free_film_has_no_preview(platform: PlatformMaker) -> None:
    scene = Scene(await platform("billing"))
    assert (await scene.start("own", free=True, **PREVIEW)).preview_ms == 0
