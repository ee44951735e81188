"""A whole stack of its own for a test: own home, own ports, started and stopped by the real command line."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx2

from api.settings import Settings, load
from tests.servers import free_ports

ROOT = Path(__file__).resolve().parent.parent
Found = TypeVar("Found")


@dataclass
class Stack:
    """Where a stack lives, and the command line that speaks to it."""

    home: Path
    gateway_port: int
    port_base: int
    extra: dict[str, str] = field(default_factory=dict)
    clients: list[httpx2.Client] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.gateway_port}"

    @property
    def env(self) -> dict[str, str]:
        own = {
            "STREAMIFY_HOME": str(self.home),
            "GATEWAY_PORT": str(self.gateway_port),
            "PORT_BASE": str(self.port_base),
            "PUBLIC_URL": self.url,
            "RATE_LIMIT_MAX_REQUESTS": "100000",
            "RATE_LIMIT_USER_MAX_REQUESTS": "100000",
        }
        return {**os.environ, **own, **self.extra}

    @property
    def settings(self) -> Settings:
        return load(self.env)

    def command(self, *arguments: str, timeout: float = 120) -> "subprocess.CompletedProcess[str]":
        """Run `./streamify ARGUMENTS` (its prepared form) and give what it said."""
        return subprocess.run(
            [sys.executable, "-m", "api", *arguments],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def programs(self) -> dict[str, Any]:
        """`status --json`, by program."""
        found = json.loads(self.command("status", "--json").stdout)
        return {row["name"]: row for row in found["programs"]}

    def fetch_lines(self) -> list[dict[str, Any]]:
        """Every line nginx wrote to the fetch log, as plain JSON: nothing of ours parses it."""
        files = sorted(p for p in (self.home / "log/fetch").glob("*.log") if not p.is_symlink())
        return [json.loads(line) for file in files for line in file.read_text().splitlines()]


@contextlib.contextmanager
def own_home() -> Iterator[Path]:
    """A home every account can reach; gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="streamify-"))
    folder.chmod(0o755)
    try:
        yield folder / "home"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def running_stack(*flags: str, **extra: str) -> Iterator[Stack]:
    """A started, healthy stack; stopped at the end whatever happened. `flags` are those of `up`, `extra` settings."""
    with own_home() as home:
        gateway, base = free_ports()
        stack = Stack(home, gateway, base, extra)
        done = stack.command("up", "--detach", *flags)
        try:
            assert done.returncode == 0, done.stdout + done.stderr
            yield stack
        finally:
            for client in stack.clients:
                client.close()
            stack.command("down")


def wait_for(look: Callable[[], Found | None], seconds: float, what: str) -> Found:
    """The first truthy thing that `look` gives; fails with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}; last seen: {found!r}"
        time.sleep(0.2)


class Person:
    """A signed-up user calling the gateway."""

    def __init__(self, stack: Stack, email: str, first_name: str = "Nora") -> None:
        self.email, self.password = email, "correct-horse-battery-9"
        self._open(stack)
        body = {"email": email, "password": self.password, "first_name": first_name, "last_name": "Quist"}
        self._signed_in(self.http.post("/api/auth/register", json=body))

    @classmethod
    def known(cls, stack: Stack, email: str, password: str) -> "Person":
        """Somebody who has an account already."""
        person = cls.__new__(cls)
        person.email, person.password = email, password
        person._open(stack)
        person.sign_in_again()
        return person

    def _open(self, stack: Stack) -> None:
        self.http = httpx2.Client(base_url=stack.url, timeout=60)
        stack.clients.append(self.http)

    def _signed_in(self, answer: httpx2.Response) -> None:
        assert answer.status_code in (200, 201), answer.text
        self.id = answer.json()["user"]["id"]
        self.http.headers["authorization"] = f"Bearer {answer.json()['access_token']}"

    def sign_in_again(self) -> None:
        """For a role that changed: roles travel in the access token."""
        self._signed_in(self.http.post("/api/auth/login", json={"email": self.email, "password": self.password}))

    def get(self, path: str, **query: Any) -> Any:
        answer = self.http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def deposit(self, amount: int) -> None:
        headers = {"idempotency-key": os.urandom(16).hex()}
        answer = self.http.post("/api/billing/deposit", json={"amount": amount}, headers=headers)
        assert answer.status_code == 201, answer.text

    def upload(self, film: Path, price_per_minute: int = 0, title: str = "A film") -> int:
        """Upload by multipart; gives the video's id."""
        with film.open("rb") as file:
            fields = {"title": title, "price_per_minute": str(price_per_minute)}
            answer = self.http.post("/api/videos", data=fields, files={"file": (film.name, file, "video/mp4")})
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])

    def wait_until(self, video: int, *states: str, seconds: float = 400) -> dict[str, Any]:
        """The video once it is in one of `states`; a failed one fails the test with its reason."""

        def look() -> dict[str, Any] | None:
            found: dict[str, Any] = self.get(f"/api/videos/{video}")
            assert "failed" in states or found["status"] != "failed", found["error"]
            return found if found["status"] in states else None

        return wait_for(look, seconds, f"video {video} to be {' or '.join(states)}")
