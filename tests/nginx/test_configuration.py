"""The rendered configuration: valid for every nginx we name, sound to a linter, right for every kind of machine."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from api import edge, gateway
from api.settings import ROOT, SettingsError, load
from tests.nginx.certificates import settings_with
from tests.servers import drop, free_port, stopped, wait_for_port


def rendered(home: Path, **more: str) -> Path:
    """The configuration of a home whose name needs quoting."""
    settings = load({"STREAMIFY_HOME": str(home), "GATEWAY_PORT": str(free_port()), **more})
    return gateway.render(settings, home / "run")


KINDS = ["plain", "tls"]


def of_kind(home: Path, kind: str, program: str) -> Path:
    """A rendered configuration, with or without a certificate, of the gateway or an edge."""
    port = free_port()
    given = {"STREAMIFY_HOME": str(home / "a home"), "GATEWAY_PORT": str(port), "EDGE_SECRET": "e" * 32}
    given |= {"TRUSTED_PROXIES": "10.0.0.0/8, 2001:db8::/32, 127.0.0.1"}
    if kind == "tls":
        given |= settings_with(home, port)
    module = gateway if program == "nginx" else edge
    return module.render(load(given), home / "a home/run" / program)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("program", ["nginx", "edge"])
def test_the_oldest_and_the_newest_nginx_accept_it(nginx: str, home: Path, kind: str, program: str) -> None:
    conf = of_kind(home, kind, program)
    if os.geteuid() == 0:
        subprocess.run(["chown", "-R", str(drop()["user"]), str(home)], check=True)
    command = [*gateway.command(nginx, conf), "-t"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, **drop())  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr
    assert "[warn]" not in done.stderr


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("program", ["nginx", "edge"])
def test_the_linter_finds_nothing(nginx: str, home: Path, kind: str, program: str) -> None:
    # Meant: event streams are not buffered; playlists, which change, are looked up each time; the Host goes on as the
    # browser sent it, to be compared with its Origin and for nothing else.
    meant = "try_files_is_evil_too,proxy_buffering_off,host_spoofing"
    command = [str(Path(sys.executable).parent / "gixy"), str(of_kind(home, kind, program)), "--skips", meant]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "No issues found." in done.stdout, done.stdout
    assert done.returncode == 0


def test_containers_find_each_other_by_name(tmp_path: Path) -> None:
    urls = {"VIDEO_SERVICE_URL": "http://video-service:3002/", "BILLING_SERVICE_URL": "http://billing"}
    text = (rendered(tmp_path, **urls).parent / "parts/upstreams.conf").read_text()
    assert "server video-service:3002;" in text
    assert "server billing:80;" in text
    assert "server 127.0.0.1:3001;" in text


@pytest.mark.parametrize(("bind", "listen"), [("0.0.0.0", "listen 0.0.0.0:"), ("::", "listen [::]:")])
def test_it_listens_where_the_settings_say(tmp_path: Path, bind: str, listen: str) -> None:
    assert listen in (rendered(tmp_path, GATEWAY_BIND=bind).parent / "parts/plain.conf").read_text()


@pytest.mark.parametrize(
    "wrong",
    [
        {"MEDIA_ROOT": '/srv/"; include /etc/passwd; "'},
        {"PAGES_ROOT": "/srv/$host"},
        {"FETCH_LOG_ROOT": "/srv/a\nb"},
        {"AUTH_SERVICE_URL": "https://auth:3001"},
        {"AUTH_SERVICE_URL": "http://auth:3001/under"},
        {"AUTH_SERVICE_URL": "auth:3001"},
        {"MEDIA_RATE": "2r/m"},
        {"TRUSTED_PROXIES": "10.0.0.0/8; deny all"},
        {"TRUSTED_PROXIES": "10.0.0.1/8"},
        {"PUBLIC_URL": "https://example.org; return 200"},
        {"PUBLIC_URL": "https://example.org/under"},
        {"TLS_CERTIFICATE": "/dev/null"},
        {"TLS_CERTIFICATE": "/dev/null", "TLS_CERTIFICATE_KEY": "/nowhere/key.pem"},
        {"TLS_CERTIFICATE": "/dev/null", "TLS_CERTIFICATE_KEY": "/dev/null", "PUBLIC_URL": "http://example.org"},
    ],
)
def test_a_value_nginx_would_misread_is_refused_in_words(tmp_path: Path, wrong: dict[str, str]) -> None:
    with pytest.raises(SettingsError):
        rendered(tmp_path, **wrong)


def test_nothing_is_left_to_fill_in(tmp_path: Path) -> None:
    folder = rendered(tmp_path).parent
    templates = {p.relative_to(gateway.TEMPLATES) for p in gateway.TEMPLATES.rglob("*.conf")}
    only_of_edges = {p for p in templates if "edge" in (p.stem, p.parent.name)}
    assert {p.relative_to(folder) for p in folder.rglob("*.conf")} == templates - only_of_edges
    assert [p for p in folder.rglob("*.conf") if "%{" in p.read_text().replace("%{NAME}", "")] == []


def test_the_log_goes_on_in_its_newest_generation(tmp_path: Path) -> None:
    for generation in (1, 2, 10):
        (tmp_path / f"origin-{generation}.log").touch()
    for _ in range(2):
        gateway.link_log(tmp_path)
        assert (tmp_path / "origin.log").readlink() == Path("origin-10.log")


async def test_the_command_becomes_nginx_and_ends_well(home: Path) -> None:
    port = free_port()
    env = {"STREAMIFY_HOME": str(home), "GATEWAY_PORT": str(port), "PAGES_ROOT": str(home / "pages")}
    command, python = (
        [sys.executable, "-m", "api", "gateway"],
        {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    process = subprocess.Popen(command, env=env | python, cwd=home, **drop())  # type: ignore[call-overload]
    with stopped(process, signal.SIGKILL):
        wait_for_port(port, process)
        async with httpx2.AsyncClient() as http:
            assert (await http.get(f"http://127.0.0.1:{port}/watch")).status_code == 200
        assert (home / "run/nginx/nginx.pid").read_text().strip() == str(process.pid)
        process.send_signal(signal.SIGQUIT)
        assert process.wait(10) == 0
