"""Journey 1 over docker-compose: the same film, form, player and money, in containers (where an engine answers).

With the edge profile: the page plays from the edge, and whoever asks both pays once.
"""

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, Page

from tests import films
from tests.edge.test_whole_way import paid_once
from tests.journeys.conftest import browser  # noqa: F401 - the same Chromium
from tests.journeys.test_watch import the_whole_way
from tests.servers import free_port
from tests.stacks import ROOT, Stack, wait_for


def engine_answers() -> bool:
    if not shutil.which("docker"):
        return False
    done = subprocess.run(["docker", "compose", "ls"], capture_output=True, check=False, timeout=20)
    return done.returncode == 0


pytestmark = [
    pytest.mark.compose,
    pytest.mark.xdist_group("compose"),
    pytest.mark.timeout(1500),
    pytest.mark.skipif(not engine_answers(), reason="no Docker engine with compose answers here"),
]


@dataclass
class ComposeStack(Stack):
    """The stack of docker-compose.yml; its command line runs inside the containers."""

    project: str = ""

    def docker(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        file = str(ROOT / "docker-compose.yml")
        command = ["docker", "compose", "-p", self.project, "-f", file, "--profile", "edge", *arguments]
        env = {**os.environ, **self.extra}
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=1200)

    def command(self, *arguments: str, timeout: float = 120) -> "subprocess.CompletedProcess[str]":
        return self.docker("exec", "-T", "auth-service", "python", "-m", "api", *arguments)

    def fetch_lines(self) -> list[dict[str, Any]]:
        shell = "cat $(find /data/log/fetch -type f -name '*.log' | sort)"
        logs = [self.docker("exec", "-T", nginx, "sh", "-c", shell).stdout for nginx in ("gateway", "edge")]
        return [json.loads(line) for log in logs for line in log.splitlines()]


def well(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/health", timeout=5).status_code == 200
    except httpx2.HTTPError:
        return False


@pytest.fixture(scope="module")
def stack() -> Iterator[ComposeStack]:
    names = ("JWT_SECRET", "SERVICE_SECRET", "TOKEN_SECRET", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "EDGE_SECRET")
    port, edge_port = free_port(), free_port()
    extra = {name: secrets.token_hex(32) for name in names} | {"GATEWAY_PORT": str(port), "EDGE_PORT": str(edge_port)}
    extra |= {"PUBLIC_URL": f"http://127.0.0.1:{port}", "MEDIA_URL": f"http://127.0.0.1:{edge_port}"}
    found = ComposeStack(Path("/nowhere"), port, 0, extra, project=f"streamify-{secrets.token_hex(3)}")
    try:
        done = found.docker("up", "--build", "-d", "--scale", "auth-service=2", "--scale", "worker-batch=2")
        assert done.returncode == 0, done.stderr[-3000:]
        for url in (found.url, extra["MEDIA_URL"]):
            wait_for(lambda: well(url), 120, f"{url} to say that all is well")  # noqa: B023 - called at once
        yield found
    finally:
        for client in found.clients:
            client.close()
        found.docker("down", "-v", "--timeout", "5")


def test_the_same_journey_in_containers(stack: ComposeStack, browser: Browser, tmp_path: Path) -> None:  # noqa: F811
    context = browser.new_context(base_url=stack.url, viewport={"width": 1280, "height": 800})
    page: Page = context.new_page()
    the_whole_way(stack, page, films.bunny_loop(tmp_path / "short.mp4", 4))
    context.close()


def test_stateless_parts_are_scaled(stack: ComposeStack) -> None:
    rows = [json.loads(line) for line in stack.docker("ps", "--format", "json").stdout.splitlines()]
    running = [row["Service"] for row in rows if row["State"] == "running"]
    assert running.count("auth-service") == 2
    assert running.count("worker-batch") == 2
    assert len(set(running)) == 20


def test_a_film_fetched_at_the_edge_and_the_origin_is_paid_once(stack: ComposeStack, tmp_path: Path) -> None:
    paid_once(stack, tmp_path)
