"""The rule for money as tables of cases, and against a count millisecond by millisecond."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.billing import metering, money, settlement
from api.billing.books import Books
from api.billing.metering import Interval
from api.billing.money import Currency
from api.billing.settlement import Hold, Wallet, Watch

PRICE = 70_000  # micro-units a minute: no whole number a millisecond


@pytest.mark.parametrize(
    ("intervals", "expected"),
    [
        ([], []),
        ([(0, 4)], [(0, 4)]),
        ([(0, 4), (4, 8)], [(0, 8)]),
        ([(4, 8), (0, 4)], [(0, 8)]),
        ([(0, 4), (5, 8)], [(0, 4), (5, 8)]),
        ([(0, 4), (0, 4), (2, 3)], [(0, 4)]),
        ([(0, 10), (2, 3), (9, 12)], [(0, 12)]),
        ([(6, 8), (0, 2), (1, 7)], [(0, 8)]),
    ],
)
def test_delivered_time_is_a_union(intervals: list[Interval], expected: list[Interval]) -> None:
    assert metering.union(intervals) == expected
    assert metering.union([*expected, *intervals]) == expected


@pytest.mark.parametrize(
    ("seen_ms", "price", "due"),
    [
        (0, 100_000, 0),
        (60_000, 100_000, 100_000),
        (59_999, 100_000, 99_998),
        (1, 59_999, 0),
        (1, 60_000, 1),
        (7_200_000, 50_000, 6_000_000),
        (4_004, 0, 0),
    ],
)
def test_the_price_is_floored_once_on_the_total(seen_ms: int, price: int, due: int) -> None:
    assert metering.due_micros(seen_ms, price) == due


@pytest.mark.parametrize(
    ("delivered_ms", "played_ms", "added_ms", "forgiven_ms"),
    [
        (40_000, 40_000, 40_000, 0),
        (40_000, 50_000, 40_000, 0),
        (40_000, 30_000, 40_000, 10_000),
        (90_000, 10_000, 90_000, 30_000),
        (90_000, 10_000, 5_000, 5_000),
        (90_000, 10_000, 0, 0),
    ],
)
def test_at_most_thirty_seconds_are_forgiven(
    delivered_ms: int, played_ms: int, added_ms: int, forgiven_ms: int
) -> None:
    assert metering.forgiven_ms(delivered_ms, played_ms, added_ms) == forgiven_ms


@pytest.mark.parametrize(
    ("wall_ms", "rate", "played_ms"), [(1_000, 1.0, 1_000), (1_000, 2.0, 2_000), (1_000, 0.5, 1_000), (3, 1.25, 4)]
)
def test_nobody_plays_longer_than_the_clock_allows(wall_ms: int, rate: float, played_ms: int) -> None:
    assert metering.played_ms(wall_ms, rate) == played_ms


@pytest.mark.parametrize(
    ("charged", "bps", "part"), [(10_000, 8_000, 8_000), (1, 8_000, 0), (9, 8_000, 7), (5, 0, 0), (5, 10_000, 5)]
)
def test_the_creators_part_is_floored_on_the_total(charged: int, bps: int, part: int) -> None:
    assert metering.creator_part_micros(charged, bps) == part


@pytest.mark.parametrize(
    ("micros", "shown", "enough"), [(0, 0, 0), (9_999, 0, 1), (10_000, 1, 1), (10_001, 1, 2), (-9_999, 0, 0)]
)
def test_people_see_minor_units_cut_towards_zero(micros: int, shown: int, enough: int) -> None:
    dollars = Currency("USD", 10_000)
    assert (dollars.minor(micros), dollars.minor_up(micros)) == (shown, enough)
    assert dollars.minor(-10_001) == -1


def test_pages_know_the_same_currencies() -> None:
    page = Path("player/src/money.ts").read_text()
    for name, codes in (("WHOLE", money.WHOLE), ("THOUSANDTHS", money.THOUSANDTHS)):
        assert f'const {name} = "{codes}";' in page


def books(balance: int, sessions: int) -> Books:
    """Some sessions of one user in one watch."""
    watch = Watch(1, 7, 5, PRICE, 8_000, None, [], 0, 0, 0, None, 0, 0, 0)
    holds = {
        name: Hold(
            name, 1, 1, 7, 5, 70, PRICE, 4_000, audio_only=False, state="open", final=False, live=True, held_micros=0,
            delivered=[], delivered_ms=0, added_ms=0, played_ms=None, forgiven_ms=0, charged_micros=0,
            creator_micros=0, balance_after=0,
        )
        for name in "abc"[:sessions]
    }  # fmt: skip
    return Books(Currency("USD", 10_000), {1: Wallet(1, 7, balance, 0)}, holds, {1: watch})


def consistent(opened: Books, money_in: int) -> None:
    """What must hold after every step, whatever it was."""
    wallet, watch = opened.wallets[1], opened.watches[1]
    assert 0 <= wallet.held_micros <= wallet.balance_micros
    assert wallet.held_micros == sum(hold.held_micros for hold in opened.holds.values())
    assert watch.charged_micros + watch.uncollected_micros == watch.due_micros()
    assert watch.creator_micros == watch.charged_micros * 8 // 10
    assert money_in - wallet.balance_micros == watch.charged_micros == sum(c.paid_micros for c in opened.charges)
    assert watch.creator_micros == sum(c.creator_micros for c in opened.charges)
    assert watch.charged_micros == sum(hold.charged_micros for hold in opened.holds.values())
    assert min(watch.charged_micros, watch.uncollected_micros) >= 0


segments = st.tuples(st.integers(0, 3_000), st.integers(1, 900)).map(lambda s: (s[0], s[0] + s[1]))
fetches = st.tuples(st.sampled_from("abc"), segments)
ordered = settings(derandomize=True, database=None, deadline=None, max_examples=150)


@ordered
@given(st.lists(fetches, max_size=40))
def test_the_charge_is_what_a_count_by_the_millisecond_gives(log: list[tuple[str, Interval]]) -> None:
    opened, seen = books(10**9, 3), set[int]()
    for name, (start, end) in log:
        hold, before = opened.holds[name], opened.holds[name].charged_micros
        settlement.deliver(hold, opened.watches[1], [(start, end)], 1)
        opened.settle(hold)
        opened.cover(hold)
        new = set(range(start, end)) - seen
        was, seen = len(seen) * PRICE // 60_000, seen | new
        assert hold.charged_micros - before == len(seen) * PRICE // 60_000 - was
        consistent(opened, 10**9)
    assert opened.watches[1].seen_ms == len(seen)
    assert opened.watches[1].uncollected_micros == 0


steps = st.one_of(
    st.tuples(st.just("fetch"), fetches),
    st.tuples(st.just("end"), st.tuples(st.sampled_from("abc"), st.integers(0, 4_000))),
    st.tuples(st.just("deposit"), st.integers(1, 2_000)),
    st.tuples(st.just("claim"), st.tuples(st.sampled_from("abc"), st.integers(0, 4_000))),
    st.tuples(st.just("silence"), st.sampled_from("abc")),
)


def step(opened: Books, what: str, told: Any) -> None:
    if what == "deposit":
        opened.wallets[1].balance_micros += told
        opened.cover_all()
        return
    hold, watch = opened.holds[told[0]], opened.watches[1]
    if what == "fetch":
        settlement.deliver(hold, watch, [told[1]], 1)
    elif what == "end" and hold.state != "ended":
        settlement.end(hold, told[1])
    elif what == "claim":
        watch.claimed_ms = max(watch.claimed_ms, told[1])
    elif what == "silence":
        hold.live = False
    opened.settle(hold)
    opened.cover(hold)


@ordered
@given(st.integers(0, 3_000), st.lists(steps, max_size=40))
def test_the_books_agree_after_every_step_with_little_money(balance: int, story: list[tuple[str, Any]]) -> None:
    opened, money_in = books(balance, 3), balance
    for what, told in story:
        step(opened, what, told)
        money_in += told if what == "deposit" else 0
        consistent(opened, money_in)
        assert opened.watches[1].forgiven_ms <= min(30_000, opened.watches[1].seen_ms)
        for hold in opened.holds.values():
            assert hold.state != "ended" or (hold.held_micros == 0 and not hold.live)


@ordered
@given(st.lists(fetches, max_size=20), st.integers(0, 3_000), st.randoms(use_true_random=False))
def test_an_end_and_the_lines_of_a_session_may_come_in_any_order(
    log: list[tuple[str, Interval]], played: int, order: Any
) -> None:
    story: list[tuple[str, Any]] = [("fetch", ("a", part)) for _, part in log] + [("end", ("a", played))]
    shuffled = list(story)
    order.shuffle(shuffled)
    results = []
    for told in (story, shuffled, [*shuffled, *story]):
        opened = books(10**9, 1)
        for what, detail in told:
            step(opened, what, detail)
        hold = opened.holds["a"]
        results.append((opened.wallets[1], opened.watches[1], hold.delivered, hold.charged_micros, hold.forgiven_ms))
    assert results[0] == results[1] == results[2]
