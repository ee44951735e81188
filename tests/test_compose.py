"""docker-compose.yml starts what `up` starts, by the same commands, with health checks and pinned images."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.settings import DATABASES, SERVICES, load
from api.stack import programs

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    text = (ROOT / "docker-compose.yml").read_text()
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def ours(compose: dict[str, Any]) -> dict[str, Any]:
    return {name: s for name, s in compose["services"].items() if s["image"] == "streamify"}


def test_both_start_the_same_commands(compose: dict[str, Any]) -> None:
    settings = load({"SUPERVISOR_PASSWORD": "p" * 40, "WITH_EDGE": "yes"})
    single = {p.command[3:] for p in programs(settings) if p.command[1:3] == ("-m", "api")}
    assert {tuple(s["command"]) for s in ours(compose).values()} == single


def test_both_stop_them_by_the_same_signal(compose: dict[str, Any]) -> None:
    settings = load({"SUPERVISOR_PASSWORD": "p" * 40, "WITH_EDGE": "yes"})
    single = {p.command[3:]: f"SIG{p.stop}" for p in programs(settings) if p.command[1:3] == ("-m", "api")}
    assert {tuple(s["command"]): s.get("stop_signal", "SIGTERM") for s in ours(compose).values()} == single


def test_every_service_has_its_own_database_server(compose: dict[str, Any]) -> None:
    urls = [s["environment"].get("DATABASE_URL", "") for s in ours(compose).values()]
    hosts = {re.search(r"@([\w-]+):5432/(\w+)$", url).groups() for url in urls if url}  # type: ignore[union-attr]
    assert sorted(name for _, name in hosts) == sorted(DATABASES.values())
    assert len({host for host, _ in hosts}) == len(SERVICES)


def test_everything_with_a_port_says_how_it_is(compose: dict[str, Any]) -> None:
    with_port = [
        n
        for n in compose["services"]
        if n.endswith("-service") or n.startswith("postgres") or n in ("redis", "gateway", "edge")
    ]
    assert len(with_port) == 13
    assert [n for n in with_port if "healthcheck" not in compose["services"][n]] == []


def test_only_the_gateway_and_the_edge_are_reachable_from_outside(compose: dict[str, Any]) -> None:
    assert [n for n, s in compose["services"].items() if "ports" in s] == ["gateway", "edge"]


def test_the_edge_is_started_on_demand_and_knows_no_more_than_it_needs(compose: dict[str, Any]) -> None:
    asked = [n for n, s in compose["services"].items() if s.get("profiles") == ["edge"]]
    assert asked == ["edge", "edge-ship"]
    known = {name for n in asked for name in compose["services"][n]["environment"]}
    assert {name for name in known if name.endswith(("SECRET", "PASSWORD", "KEY"))} == {"EDGE_SECRET"}
    logs = [{v.split(":")[0] for v in compose["services"][n]["volumes"]} for n in (*asked, "gateway", "ship")]
    assert logs[0] == logs[1]
    assert logs[0] & (logs[2] | logs[3]) == set()


def test_images_are_pinned_and_programs_have_an_init(compose: dict[str, Any]) -> None:
    images = {s["image"] for s in compose["services"].values()} - {"streamify"}
    assert all(re.fullmatch(r"[a-z]+:\d+[\w.-]*", image) for image in images), images
    assert all(s["init"] is True for s in compose["services"].values())


def test_no_secret_has_a_default(compose: dict[str, Any]) -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    for name in ("JWT_SECRET", "SERVICE_SECRET", "TOKEN_SECRET", "POSTGRES_PASSWORD", "REDIS_PASSWORD"):
        assert f"${{{name}:?" in text, name
        assert f"${{{name}:-" not in text, name


def test_threads_can_be_chosen_for_containers_that_share_a_machine(compose: dict[str, Any]) -> None:
    for name in ("worker-interactive", "worker-batch"):
        assert compose["services"][name]["environment"]["ENCODER_THREADS"] == "${ENCODER_THREADS:-0}"
