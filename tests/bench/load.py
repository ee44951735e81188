"""A load generator: keep-alive connections that send ready-made requests and count whole answers.

Plain sockets and epoll in processes of their own, as no fast tool comes with the lock file. Requests are bytes made
beforehand and bodies are read into one buffer, so a request costs this side about as much as it costs `wrk`.
"""

import multiprocessing
import re
import select
import socket
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from types import TracebackType
from typing import Self

BUFFER_BYTES = 1 << 20
REFUSED_S = 10.0  # what a refusal counts as a wait: whoever asks again later waits
CONNECTIONS = 16  # of one process
MOST_CONNECTIONS = 400  # to one target; whoever finds none free waits for one, and that counts


class Unexpected(RuntimeError):
    """An answer that was not the whole file: what was measured then means nothing."""


@dataclass(frozen=True)
class Target:
    """What is asked for, of whom, and how many bytes each body has."""

    port: int
    requests: tuple[bytes, ...]
    size: int


def request(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()


class Wire:
    """One connection: at most one request under way, `left` bytes of its answer to come."""

    def __init__(self, target: Target) -> None:
        self._size = target.size
        self._socket = socket.create_connection(("127.0.0.1", target.port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setblocking(False)
        self.left = 0
        self.asked = 0.0
        self.closing = False
        self.refused = False

    def fileno(self) -> int:
        return self._socket.fileno()

    def ask(self, message: bytes) -> None:
        self.left = -1
        self._socket.send(message)

    def read(self, buffer: memoryview) -> bool:
        """Take what is there; True when the answer is whole."""
        got = self._socket.recv_into(buffer)
        if self.left < 0:
            self._begin(bytes(buffer[: min(got, 2048)]))
        self.left -= got
        if self.left < 0 or not got:
            raise Unexpected(f"{self.left} bytes were missing when an answer ended")
        return self.left == 0

    def _begin(self, start: bytes) -> None:
        head, end, _ = start.partition(b"\r\n\r\n")
        self.refused = not head.startswith(b"HTTP/1.1 200 ")
        told = re.search(rb"\r\nContent-Length: ([0-9]+)", head) if self.refused else None
        if not end or (self.refused and told is None):
            raise Unexpected(start[:400].decode("latin-1") or "the connection was closed")
        self.left = len(head) + len(end) + (int(told[1]) if told else self._size)
        self.closing = b"\r\nConnection: close\r\n" in start

    def close(self) -> None:
        self._socket.close()


def flood(target: Target, seconds: float, start: int) -> tuple[int, float]:
    """As many requests as come through, from one of them on: how many, and in how many seconds."""
    ahead = islice(cycle(target.requests), start % len(target.requests), None)
    buffer, done = memoryview(bytearray(BUFFER_BYTES)), 0
    with Wires(target) as wires:
        began = time.perf_counter()
        for wire in wires.all:
            wire.ask(next(ahead))
        while (now := time.perf_counter()) < began + seconds:
            for wire in wires.ready(1.0):
                if wire.read(buffer):
                    if wire.refused:
                        raise Unexpected(bytes(buffer[:400]).decode("latin-1"))
                    done += 1
                    wires.fresh(wire).ask(next(ahead))
        return done, now - began


def paced(targets: Sequence[Target], per_second: float, seconds: float) -> list[list[float]]:
    """Requests to all targets in turn, at a fixed rate each: seconds from when one was due to the end of its answer."""
    took: list[list[float]] = [[] for _ in targets]
    ahead = [cycle(target.requests) for target in targets]
    buffer, interval = memoryview(bytearray(BUFFER_BYTES)), 1 / per_second / len(targets)
    groups = [Wires(target) for target in targets]
    free = [list(group.all) for group in groups]
    due, at, end = time.perf_counter(), 0, time.perf_counter() + seconds
    while due < end:
        while (now := time.perf_counter()) >= due:
            if not free[at] and len(groups[at].all) == MOST_CONNECTIONS:
                break
            if not free[at]:
                free[at].append(groups[at].open())
            wire = free[at].pop()
            wire.asked = due
            wire.ask(next(ahead[at]))
            due, at = due + interval, (at + 1) % len(targets)
        for number, group in enumerate(groups):
            for wire in group.ready(0):
                if wire.read(buffer):
                    took[number].append(REFUSED_S if wire.refused else time.perf_counter() - wire.asked)
                    free[number].append(group.fresh(wire))
        time.sleep(max(0.0, min(due - now, 0.0002)))
    for group in groups:
        group.close()
    return took


class Wires:
    """Connections to one target, and which of them have something to read."""

    def __init__(self, target: Target) -> None:
        self._target, self._epoll = target, select.epoll()
        self._by_number: dict[int, Wire] = {}
        for _ in range(CONNECTIONS):
            self.open()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def all(self) -> Sequence[Wire]:
        return tuple(self._by_number.values())

    def open(self) -> Wire:
        wire = Wire(self._target)
        self._by_number[wire.fileno()] = wire
        self._epoll.register(wire.fileno(), select.EPOLLIN)
        return wire

    def fresh(self, wire: Wire) -> Wire:
        """The wire itself, or another one once nginx has seen enough of it."""
        if not wire.closing:
            return wire
        del self._by_number[wire.fileno()]
        wire.close()
        return self.open()

    def ready(self, patience_s: float) -> Iterator[Wire]:
        by_number = self._by_number
        return (by_number[number] for number, _ in self._epoll.poll(patience_s))

    def close(self) -> None:
        self._epoll.close()
        for wire in self._by_number.values():
            wire.close()


class Crowd:
    """Processes that flood together."""

    def __init__(self, processes: int) -> None:
        self._processes = processes
        self._done: Counter[int] = Counter()  # by port, so that no session is forgotten
        self._pool = multiprocessing.get_context("spawn").Pool(processes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._pool.terminate()
        self._pool.join()

    def flood(self, target: Target, seconds: float) -> tuple[int, float]:
        """Whole answers of all processes, and their rate per second."""
        each, before = len(target.requests) // self._processes, self._done[target.port] // self._processes
        work = [(target, seconds, number * each + before) for number in range(self._processes)]
        found = self._pool.starmap(flood, work, chunksize=1)
        self._done[target.port] += (done := sum(done for done, _ in found))
        return done, sum(done / took for done, took in found)

    def paced(self, targets: Sequence[Target], per_second: float, seconds: float) -> list[list[float]]:
        """In one of the processes."""
        return self._pool.apply(paced, (targets, per_second, seconds))
