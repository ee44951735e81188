"""What playbacks were made of, and how they went: sums -> lists and quality figures. Pure.

Creators do not see rows of few viewers: who watched alone from a country would be found out.
"""

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter

from api.analytics.figures import Answer, percent
from api.analytics.queries_figures import Sums
from api.analytics.queries_part import PartSums, Quality

FEWEST = 5
OTHER = "other"
HOUR_MS = 3_600_000
NAMES = {"device": "devices", "browser": "browsers", "system": "systems", "country": "countries"}
# Upper bounds of the histogram of startup times, in ms; what took longer than the last counts as the last.
STARTUP_STEPS_MS = (100, 200, 300, 400, 500, 750, 1000, 1500, 2000, 3000, 5000, 10_000, 30_000)


def startup_step(startup_ms: int) -> str:
    """The name of the step of the histogram that a startup time belongs to."""
    return str(next((step for step in STARTUP_STEPS_MS if startup_ms <= step), STARTUP_STEPS_MS[-1]))


def breakdowns(rows: Sequence[PartSums], viewers: Mapping[tuple[str, str], int] | None) -> Answer:
    """The lists of an answer, largest first. With `viewers`, rows of few are folded; without, nobody counted them."""
    found: Answer = {}
    for kind, name in NAMES.items():
        items = [_item(row, viewers) for row in rows if row.kind == kind and row.starts > 0]
        found[name] = _shares(items if viewers is None else _folded(items), "starts")
    renditions = [
        {"name": row.name or "unknown", "watch_time": row.watch_ms // 1000, "watch_time_ms": row.watch_ms}
        for row in rows
        if row.kind == "rendition" and row.watch_ms > 0
    ]
    found["renditions"] = _shares(renditions, "watch_time_ms")
    return found


def _item(row: PartSums, viewers: Mapping[tuple[str, str], int] | None) -> Answer:
    counted = None if viewers is None else viewers.get((row.kind, row.name), 0)
    return {"name": row.name, "starts": row.starts, "viewers": counted}


def _folded(items: list[Answer]) -> list[Answer]:
    """Rows of few viewers as one; if those are few as well, the smallest of the others goes with them."""
    few = [item for item in items if item["viewers"] < FEWEST]
    shown = sorted((item for item in items if item["viewers"] >= FEWEST), key=itemgetter("viewers"))
    while few and shown and sum(item["viewers"] for item in few) < FEWEST:
        few.append(shown.pop(0))
    if few:
        shown.append({"name": OTHER, "starts": sum(item["starts"] for item in few), "viewers": None})
    return shown


def _shares(items: list[Answer], by: str) -> list[Answer]:
    whole = sum(item[by] for item in items)
    ordered = sorted(items, key=lambda item: (-item[by], item["name"]))
    return [item | {"share": percent(item[by], whole)} for item in ordered]


def quality(found: Quality, sums: Sums, rows: Iterable[PartSums]) -> Answer:
    """How playbacks went; null for what nobody told."""
    steps = {int(row.name): row.starts for row in rows if row.kind == "startup"}
    return {
        "playbacks": found.playbacks,
        "startups": found.startups,
        "startup_ms_p50": _percentile(steps, 50),
        "startup_ms_p95": _percentile(steps, 95),
        "startup_ms_average": _mean(found.startup_ms, found.startups),
        "start_failures": found.start_failures,
        "start_failure_rate": percent(found.start_failures, found.playbacks),
        "stalls": found.stalls,
        "stall_ms": found.stall_ms,
        "rebuffer_ratio": percent(found.stall_ms, found.stall_ms + sums.watch_ms) if found.playbacks else None,
        "dropped_frames": found.dropped_frames,
        "starvations": found.starvations,
        "errors": found.errors,
        "errors_per_hour": round(found.errors * HOUR_MS / sums.watch_ms, 2) if sums.watch_ms else None,
        "bitrate_kbps": _mean(sums.bits, sums.bits_ms),
        "throughput_kbps": _mean(found.throughput_kbps, found.throughputs),
    }


def _mean(total: int, count: int) -> int | None:
    return total // count if count else None


def _percentile(steps: Mapping[int, int], part: int) -> int | None:
    """The bound of the step in which the share is reached."""
    whole = sum(steps.values())
    passed = 0
    for bound in sorted(steps):
        passed += steps[bound]
        if whole and passed * 100 >= whole * part:
            return bound
    return None
