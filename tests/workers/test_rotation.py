"""Rotation under load: no line lost or doubled, whatever nginx is told meanwhile and wherever the shipper is killed."""

import asyncio
import contextlib
import dataclasses
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from api.settings import Settings
from media import fetch_log
from tests.billing.scenes import until
from tests.workers.nginxes import Nginx, everything, nginx, numbers
from tests.workers.streams import Book, Broker, broker, following, shipping
from workers.rotate import Rotation, Rules, rules
from workers.writers import master, reopen, writers


@pytest.fixture
def server() -> Iterator[Broker]:
    with broker() as made:
        yield made


@pytest.fixture
def settings(server: Broker) -> Settings:
    return rotating(server.settings, 4000)


def rotating(settings: Settings, size: int, age_s: int = 86_400) -> Settings:
    changed = {"FETCH_LOG_ROTATE_BYTES": str(size), "FETCH_LOG_ROTATE_S": str(age_s)}
    return dataclasses.replace(settings, values={**settings.values, **changed})


@contextlib.asynccontextmanager
async def loaded(n: Nginx, viewers: int = 3) -> AsyncIterator[None]:
    """Viewers that come and go, and some with long downloads, all of which end within."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(n.load(stop)) for _ in range(viewers)]
    tasks += [asyncio.create_task(n.load(stop, "/slow")) for _ in range(2)]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def reached(n: Nginx, generation: int) -> None:
    async def there() -> bool:
        return max(n.generations()) >= generation

    await until(there, 60)


async def all_arrived(n: Nginx, *books: Book) -> None:
    """Everything that was answered reached every consumer once, in the order of the files."""

    async def there() -> bool:
        return all(n.answered <= set(numbers(book.text)) and book.text == everything(n.root) for book in books)

    await until(there, 30)
    for book in books:
        found = numbers(book.text)
        assert len(found) == len(set(found))


async def test_rotations_lose_and_double_nothing(settings: Settings) -> None:
    meter, audience = Book(), Book("audience")
    with nginx(settings) as n:
        async with shipping(settings), following(settings, meter, audience):
            async with loaded(n):
                for round_number in range(2, 6):
                    await reached(n, round_number)
                    if round_number % 2:  # long downloads go on in workers that take no new requests
                        n.signal(signal.SIGHUP)
            await all_arrived(n, meter, audience)
            assert len({line.split(b'"by":')[1] for line in meter.text.splitlines()}) > 2

            async def put_away() -> bool:
                return len(fetch_log.archived(n.root, "origin")) >= 3

            await until(put_away, 30)
            await all_arrived(n, meter, audience)


async def test_a_master_that_died_leaves_workers_whose_lines_still_count(settings: Settings) -> None:
    meter = Book()
    with nginx(settings) as n:
        async with shipping(settings), following(settings, meter):
            async with loaded(n):
                await reached(n, 2)
                os.kill(n.process.pid, signal.SIGKILL)
                await reached(n, 4)  # nobody passes the signal on: the shipper sends it to who writes
            await all_arrived(n, meter)


async def test_what_is_old_enough_is_continued_in_a_new_file(settings: Settings) -> None:
    meter = Book()
    settings = rotating(settings, 10**9, age_s=1)
    with nginx(settings) as n:
        async with shipping(settings), following(settings, meter):
            await n.get()
            await reached(n, 2)
            await n.get()
            await reached(n, 3)
            await all_arrived(n, meter)
        assert n.generations() == [1, 2, 3]  # the last is empty, and is not continued


@pytest.mark.skipif(os.geteuid() != 0, reason="an nginx that gives up root's rights needs them first")
async def test_an_nginx_started_by_root_is_followed_too(settings: Settings) -> None:
    meter = Book()
    with nginx(settings, "-g", "user nobody nogroup;") as n:
        async with shipping(settings), following(settings, meter):
            async with loaded(n):
                await reached(n, 3)
            await all_arrived(n, meter)


@pytest.fixture
def rule(settings: Settings) -> Rules:
    return rules(settings, 0.0)


def look(rule: Rules, rotation: Rotation | None = None, times: int = 1) -> Rotation:
    rotation = rotation or Rotation(rule, "origin")
    for _ in range(times):
        rotation.look(fetch_log.live(rule.root)["origin"], now=True)
    return rotation


async def test_a_shipper_killed_before_it_gave_the_signal_gives_it_later(settings: Settings, rule: Rules) -> None:
    with nginx(settings) as n:
        await n.get()
        fetch_log.link(n.root, "origin", 2)
        await n.get()

        async def there() -> bool:
            look(rule).release()
            return n.generations() == [1, 2]

        await until(there)
        await n.get()
        assert [numbers(path.read_bytes()) for _, path in sorted(fetch_log.live(n.root)["origin"].items())] == [
            [0, 1],
            [2],
        ]


async def test_a_generation_is_open_as_long_as_somebody_may_write_it(settings: Settings, rule: Rules) -> None:
    with nginx(settings) as n:
        await n.get()
        fetch_log.link(n.root, "origin", 3)
        for generation in (2, 3):
            (n.root / f"origin-{generation}.log").touch()
            (n.root / f"origin-{generation}.log").chmod(0o666)
        rotation = Rotation(rule, "origin")
        with (n.root / "origin-2.log").open("ab"):
            look(rule, rotation, 4)
            assert 2 not in rotation.closed

            async def first_closed() -> bool:
                return 1 in look(rule, rotation).closed  # nginx was woken

            await until(first_closed)
            assert 2 not in rotation.closed
        look(rule, rotation, 2)
        assert rotation.closed.keys() == {1, 2}


def test_a_reader_keeps_no_generation_open(tmp_path: Path) -> None:
    path = tmp_path / "origin-1.log"
    path.touch()
    with path.open("rb"):
        assert writers([path]).pids == {}
    with path.open("ab"):
        assert writers([path]).pids == {path: {os.getpid()}}


def test_where_nobody_can_be_seen_time_must_pass(settings: Settings, tmp_path: Path) -> None:
    folder = settings.path("FETCH_LOG_ROOT")
    for generation in (1, 2):
        (folder / f"origin-{generation}.log").write_bytes(b"a\n")
    blind = dataclasses.replace(rules(settings), blind_s=3600)
    assert look(blind, times=5).closed == {}
    assert look(dataclasses.replace(blind, blind_s=0.0), times=3).closed == {1: 2}
    assert not writers([folder / "origin-1.log"], proc=tmp_path / "nothing").complete


def test_a_line_behind_the_end_is_not_passed_over_in_silence(settings: Settings, rule: Rules) -> None:
    folder = settings.path("FETCH_LOG_ROOT")
    for generation in (1, 2):
        (folder / f"origin-{generation}.log").write_bytes(b"a\n")
    rotation = look(rule, times=3)
    assert (rotation.closed, rotation.late) == ({1: 2}, "")
    with (folder / "origin-1.log").open("ab") as file:
        file.write(b"b\n")
    assert "origin-1.log" in look(rule, rotation).late


def test_only_one_of_two_shippers_moves_files(settings: Settings, rule: Rules) -> None:
    folder = settings.path("FETCH_LOG_ROOT")
    (folder / "origin-1.log").write_bytes(b"a" * 5000)
    fetch_log.link(folder, "origin", 1)
    first, second = Rotation(rule, "origin"), Rotation(rule, "origin")
    assert (first.tends(), second.tends()) == (True, False)
    look(rule, second)
    assert fetch_log.linked(folder, "origin") == 1
    look(rule, first)
    assert fetch_log.linked(folder, "origin") == 2
    look(rule, first, 3)
    assert fetch_log.linked(folder, "origin") == 2  # not before nginx has made it
    first.release()
    assert second.tends()


def test_the_signal_is_for_nginx_alone(tmp_path: Path) -> None:
    pid_file = tmp_path / "nginx.pid"
    assert master(pid_file) is None
    for text in ("", "x", str(os.getpid()), "99999999"):
        pid_file.write_text(text)
        assert master(pid_file) is None
    assert not reopen(os.getpid())


def test_words_are_said_about_an_nginx_that_does_not_listen(settings: Settings, rule: Rules) -> None:
    folder = settings.path("FETCH_LOG_ROOT")
    (folder / "origin-1.log").write_bytes(b"a\n")
    fetch_log.link(folder, "origin", 2)
    began = (folder / "origin.log").lstat().st_mtime
    os.utime(folder / "origin-1.log", (began + 30, began + 30))
    rotation = look(rule)
    assert rotation.held == ""
    os.utime(folder / "origin-1.log", (began + 90, began + 90))
    assert "nginx was not told" in look(rule, rotation).held
