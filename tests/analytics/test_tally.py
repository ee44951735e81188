"""What a tally spreads over the stored grains."""

import random
from collections import Counter

from api.analytics.tally import Bucket, Tally


def test_amounts_are_spread_over_all_grains_for_the_video_its_creator_and_the_platform() -> None:
    tally = Tally()
    tally.owns(9, 5)
    tally.add(5, 1457, "watch_ms", 4000)
    tally.add(5, 1457, "starts", 1)
    tally.add(5, 1458, "watch_ms", 1000)
    assert dict(tally.sums()) == {
        Bucket(1, subject, minute): Counter(amounts)
        for subject in (0, 5, -9)
        for minute, amounts in ((1457, {"watch_ms": 4000, "starts": 1}), (1458, {"watch_ms": 1000}))
    } | {
        Bucket(grain_min, subject, minute): Counter(watch_ms=5000, starts=1)
        for subject in (0, 5, -9)
        for grain_min, minute in ((15, 1455), (1440, 1440))
    }


def test_what_was_added_and_taken_back_leaves_no_row() -> None:
    tally = Tally()
    for sign in (1, -1):
        tally.add(5, 1457, "watch_ms", sign * 4000)
        tally.quality(5, 1457, "stalls", sign)
        tally.started(5, 1457, "device", "tv", sign)
        tally.retain(5, 1457, Counter({0: 1, 7: -1}), sign)
    assert (tally.sums(), tally.qualities(), tally.parts(), tally.steps()) == ([], [], [], [])


def test_rows_come_sorted_so_that_two_writers_cannot_deadlock() -> None:
    tally, pick = Tally(), random.Random(1)
    for _ in range(200):
        video, minute = pick.randrange(1, 50), pick.randrange(5000)
        tally.add(video, minute, "starts", 1)
        tally.watched(video, minute, "720p", 4000)
        tally.retain(video, minute, Counter({0: 1}), 1)
        tally.viewer(video, minute, pick.randrange(9))
    for rows in (tally.sums(), tally.steps(), tally.viewers(), tally.parts()):
        buckets: list[object] = [row[0] for row in rows]
        assert len(buckets) > 200 and buckets == sorted(buckets)  # type: ignore[type-var]
