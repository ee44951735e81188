"""The rendered configuration of an edge: valid, sound to a linter, and right for every kind of machine."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from api import edge, gateway, machine
from api.settings import ROOT, SettingsError, load
from api.stack import ports, programs
from tests.edge.conftest import SECRET
from tests.nginx import releases
from tests.servers import drop, free_port, free_ports, stopped, wait_for_port


def rendered(home: Path, **more: str) -> Path:
    """The configuration of a home whose name needs quoting."""
    given = {"STREAMIFY_HOME": str(home / "a home"), "EDGE_PORT": str(free_port()), "EDGE_SECRET": SECRET, **more}
    return edge.render(load(given), home / "a home/run/edge")


@pytest.mark.parametrize("which", ["ours", "old"])
@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://[::1]:3000/", "https://localhost"])
def test_nginx_accepts_it(home: Path, which: str, origin: str) -> None:
    nginx = releases.find(which)
    conf = rendered(home, ORIGIN_URL=origin, STREAMIFY_NGINX=nginx)
    if os.geteuid() == 0:
        subprocess.run(["chown", "-R", str(drop()["user"]), str(home)], check=True)
    command = [*gateway.command(nginx, conf), "-t"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, **drop())  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr
    assert "[warn]" not in done.stderr


def test_the_linter_finds_nothing(tmp_path: Path) -> None:
    command = [str(Path(sys.executable).parent / "gixy"), str(rendered(tmp_path))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "No issues found." in done.stdout, done.stdout
    assert done.returncode == 0


def test_nothing_is_left_to_fill_in(tmp_path: Path) -> None:
    folder = rendered(tmp_path).parent
    assert [p for p in folder.rglob("*.conf") if "%{" in p.read_text().replace("%{NAME}", "")] == []
    assert (folder / "edge/media.conf").exists()


def test_the_secret_is_for_nginx_alone(tmp_path: Path) -> None:
    assert rendered(tmp_path).parent.stat().st_mode & 0o777 == 0o700
    given = load({"STREAMIFY_HOME": str(tmp_path), "EDGE_SECRET": SECRET})
    assert gateway.render(given, tmp_path / "run").parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "wrong",
    [
        {"EDGE_SECRET": ""},
        {"EDGE_SECRET": "e" * 31},
        {"EDGE_SECRET": "e" * 40 + '"; return 200; #'},
        {"EDGE_NAME": "origin"},
        {"EDGE_NAME": "eu-1"},
        {"EDGE_NAME": "Eu"},
        {"EDGE_NAME": "../edge"},
        {"ORIGIN_URL": "gateway:3000"},
        {"ORIGIN_URL": "http://gateway:3000/under"},
        {"ORIGIN_URL": "http://gateway;3000"},
        {"ORIGIN_URL": "http://user@gateway"},
        {"MEDIA_URL": "https://cdn/under"},
        {"MEDIA_URL": "https://cdn; script-src *"},
        {"PUBLIC_URL": "https://example.org", "MEDIA_URL": "http://example.org:3080"},
        {"EDGE_CACHE_MB": "1g"},
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_in_words(tmp_path: Path, wrong: dict[str, str]) -> None:
    with pytest.raises(SettingsError):
        rendered(tmp_path, **wrong)


@pytest.mark.parametrize(("host", "verified"), [("media.example.org", "on"), ("127.0.0.1", "off")])
def test_an_origin_elsewhere_has_to_prove_its_name(tmp_path: Path, host: str, verified: str) -> None:
    pull = (rendered(tmp_path, ORIGIN_URL=f"https://{host}:3000").parent / "edge/pull.conf").read_text()
    assert f"proxy_ssl_verify {verified};" in pull
    assert f'proxy_ssl_name "{host}";' in pull


def test_pages_may_play_from_the_edge_and_nowhere_else(tmp_path: Path) -> None:
    for more, sources in (({}, "'self'"), ({"WITH_EDGE": "yes"}, "'self' http://localhost:3080")):
        conf = gateway.render(load({"STREAMIFY_HOME": str(tmp_path), **more}), tmp_path / "run")
        headers = (conf.parent / "parts/page_headers.conf").read_text()
        assert f"connect-src {sources};" in headers
        assert f"media-src {sources} blob: data:;" in headers


def test_the_edge_is_started_when_it_is_wanted() -> None:
    secret = {"SUPERVISOR_PASSWORD": "p" * 40}
    names = {yes: [p.name for p in programs(load({"WITH_EDGE": yes, **secret}))] for yes in ("yes", "no")}
    assert (names["yes"][-1], "edge" in names["no"]) == ("edge", False)
    assert ports(load({"WITH_EDGE": "yes", "EDGE_PORT": "3999"}))["edge"] == 3999
    with pytest.raises(SettingsError):
        programs(load({"WITH_EDGE": "maybe", **secret}))


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({}, ""),
        ({"WITH_EDGE": "yes"}, "http://localhost:3080"),
        ({"WITH_EDGE": "yes", "PUBLIC_URL": "http://media.example.org:3000/"}, "http://media.example.org:3080"),
        ({"WITH_EDGE": "yes", "PUBLIC_URL": "http://[::1]", "EDGE_PORT": "81"}, "http://[::1]:81"),
        ({"WITH_EDGE": "yes", "TLS_CERTIFICATE": "/c.pem"}, "https://localhost:3080"),
        ({"WITH_EDGE": "yes", "MEDIA_URL": "https://cdn.example.org"}, "https://cdn.example.org"),
    ],
)
def test_players_are_sent_to_the_edge_when_there_is_one(given: dict[str, str], url: str) -> None:
    assert load(given).text("MEDIA_URL") == url


def test_a_port_that_is_taken_is_named_with_its_setting() -> None:
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ports = {"GATEWAY_PORT": str(free_port()), "PORT_BASE": str(free_ports()[1]), "EDGE_PORT": port}
        machine.check_ports(load(ports))
        with pytest.raises(machine.CannotStart, match=f"Port {port} .edge. .* EDGE_PORT"):
            machine.check_ports(load({**ports, "WITH_EDGE": "yes"}))


async def test_the_command_becomes_nginx_and_ends_well(home: Path) -> None:
    port = free_port()
    env = {"STREAMIFY_HOME": str(home), "EDGE_PORT": str(port), "EDGE_SECRET": SECRET}
    env |= {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "api", "edge"]
    process = subprocess.Popen(command, env=env, cwd=home, **drop())  # type: ignore[call-overload]
    with stopped(process, signal.SIGKILL):
        wait_for_port(port, process)
        async with httpx2.AsyncClient() as http:
            answer = await http.get(f"http://127.0.0.1:{port}/health")
        assert (answer.status_code, json.loads(answer.content)["code"]) == (503, "unavailable")
        assert (home / "run/edge/nginx.pid").read_text().strip() == str(process.pid)
        process.send_signal(signal.SIGQUIT)
        assert process.wait(10) == 0
