"""The benches' own arithmetic, and how the command finds them; what they measure is no test."""

import json
import subprocess
import sys

import pytest

from tests.bench.cost import Cost
from tests.bench.table import last_line, percentile, rendered
from tests.stacks import ROOT


def bench(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "api", "bench", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_the_command_lists_the_benches() -> None:
    done = bench()
    assert done.returncode == 0
    assert {"delivery", "publish", "transcode"} <= set(done.stdout.split())
    assert "table" not in done.stdout.split()


@pytest.mark.parametrize("name", ["nothing", "table", "../publish"])
def test_an_unknown_bench_is_one_plain_sentence(name: str) -> None:
    done = bench(name)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"streamify: there is no bench {name!r}. Benches: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["publish", "delivery", "transcode", "metering", "audience"])
def test_arguments_reach_the_bench(name: str) -> None:
    done = bench(name, "--help")
    assert done.returncode == 0, done.stderr
    assert "--quick" in done.stdout


def test_a_cost_counts_the_programs_that_ran() -> None:
    cost, busy = Cost(), "import time\nwhile time.process_time() < 0.2: pass"
    for _ in range(2):
        with cost.counted():
            subprocess.run([sys.executable, "-c", busy], check=True)
    assert cost.cpu >= 0.4
    assert cost.wall >= 0.4
    assert cost.share_of_others is None or cost.share_of_others >= 0


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([7], 0.95, 7),
        ([3, 1, 2], 0.5, 2),
        ([4, 3, 2, 1], 0.5, 2),
        (list(range(1, 21)), 0.95, 19),
        (list(range(1, 20)), 0.95, 19),
        (list(range(1, 101)), 0.99, 99),
        ([5, 6], 0, 5),
        ([5, 6], 1, 6),
    ],
)
def test_a_percentile_is_a_measured_value(values: list[float], share: float, expected: float) -> None:
    assert percentile(values, share) == expected


@pytest.mark.parametrize(("values", "share"), [([], 0.5), ([1], 1.1), ([1], -0.1)])
def test_a_percentile_of_nothing_is_refused(values: list[float], share: float) -> None:
    with pytest.raises(ValueError):
        percentile(values, share)


def test_a_table_has_columns() -> None:
    assert rendered(["film", "first", "seek"], [["mp4", 1.234, None], ["a longer name", 12.0, 3.0]]) == "\n".join(
        [
            "film           first  seek",
            "-------------  -----  ----",
            "mp4             1.23     -",
            "a longer name  12.00  3.00",
        ]
    )
    with pytest.raises(ValueError):
        rendered(["film"], [["mp4", 1.0]])


def test_the_last_line_is_one_json_object() -> None:
    line = last_line("publish", {"first_s": {"mp4": 1.23456}, "seeks": [0.00049], "runs": 3})
    assert "\n" not in line
    assert json.loads(line) == {"bench": "publish", "first_s": {"mp4": 1.235}, "seeks": [0.0], "runs": 3}
