"""The shipper is killed at any line, Redis with its tail, consumers between batches: nothing is lost or doubled."""

import asyncio
import contextlib
import gzip
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from media import fetch_log
from tests.billing.scenes import until
from tests.workers.dying import Countdown
from tests.workers.nginxes import everything, nginx
from tests.workers.streams import STREAM, Book, Broker, broker, following, lines, shipping, write
from tests.workers.test_rotation import all_arrived, loaded, reached, rotating
from workers import archive
from workers.follow import Position

ROUNDS = 8


@pytest.fixture
def server() -> Iterator[Broker]:
    with broker() as made:
        yield made


async def die(values: dict[str, str], at: int) -> None:
    """A shipper that lives for that many lines."""
    command = [sys.executable, "-m", "tests.workers.dying", str(at)]
    process = await asyncio.create_subprocess_exec(*command, env=os.environ | values)
    assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL


async def test_shippers_killed_anywhere_lose_and_double_nothing(server: Broker) -> None:
    dice = random.Random(7)
    settings = rotating(server.settings, 2500)
    meter, audience = Book(), Book("audience")
    with nginx(settings) as n:
        async with loaded(n, viewers=1), following(settings, meter, audience):
            for _ in range(ROUNDS):
                await die(dict(settings.values), dice.randrange(100, 6000))
        async with following(settings, meter, audience), shipping(settings):
            await reached(n, 2)
            await all_arrived(n, meter, audience)


@pytest.mark.parametrize("seed", range(3))
async def test_a_redis_killed_with_its_tail_gets_it_again(server: Broker, seed: int) -> None:
    dice = random.Random(seed)
    meter, audience = Book(), Book("audience")
    written, lost = 0, 0
    async with shipping(server.settings):
        for round_number in range(5):
            async with contextlib.AsyncExitStack() as stack:
                if dice.random() < 0.7:
                    await stack.enter_async_context(following(server.settings, meter, audience))
                for _ in range(dice.randrange(1, 6)):
                    more = dice.randrange(1, 4000)
                    write(server.settings, lines(written, written + more), generation=1 + round_number // 2)
                    written += more
                    await asyncio.sleep(0)
                await until(lambda: stored(server))
            server.kill()
            lost += server.lose(dice.choice([1, 100, 5_000, 10**9])) > 0
            server.start()
        async with following(server.settings, meter, audience):

            async def there() -> bool:
                return meter.text == audience.text == lines(0, written)

            await until(there, 30)
    assert lost == 5


async def stored(server: Broker) -> bool:
    """Whether the append-only file has something to lose."""
    async with server.client() as client:
        return bool(await client.exists("fetches:origin"))


async def test_a_redis_that_lost_everything_goes_on_behind_the_archive(server: Broker) -> None:
    meter, audience = Book(), Book("audience")
    root = server.settings.path("FETCH_LOG_ROOT")
    texts = {generation: lines(10 * generation, 10 * generation + 10) for generation in (1, 2, 3, 5)}
    for generation, text in texts.items():
        write(server.settings, text, generation)

    async def all_there() -> bool:
        whole = b"".join(texts.values())
        return meter.text == audience.text == whole and fetch_log.archived(root, "origin") == [1, 2, 3]

    async with shipping(server.settings):
        async with following(server.settings, meter, audience):
            await until(all_there, 30)
        await wipe(server)
        write(server.settings, lines(60, 70), 5)
        texts[5] += lines(60, 70)
        async with following(server.settings, meter, audience):
            await until(all_there, 30)
        # One consumer stands exactly where the archive ends, the other is past the oldest file that is left.
        meter.text = b"".join(texts[generation] for generation in (1, 2, 3))
        meter.reached[STREAM] = Position(3, len(texts[3]))
        await wipe(server)
        async with following(server.settings, meter, audience):
            await until(all_there, 30)


async def test_a_consumer_that_is_behind_the_archive_stops_and_says_what_to_do(server: Broker) -> None:
    meter, audience = Book(), Book("audience")
    root = server.settings.path("FETCH_LOG_ROOT")
    for generation in (1, 2, 3):  # entries large enough to be trimmed one by one
        write(server.settings, lines(1000 * generation, 1000 * generation + 1000), generation)

    async def archived() -> bool:
        return fetch_log.archived(root, "origin") == [1, 2] and meter.text == everything(root)

    async with shipping(server.settings):
        async with following(server.settings, meter, audience):
            await until(archived, 30)
        # Its database comes back from a backup.
        meter.text, meter.reached[STREAM] = lines(1000, 1002), Position(1, len(lines(1000, 1002)))
        with structlog.testing.capture_logs() as logs:
            async with following(server.settings, meter):

                async def shouted() -> bool:
                    return any(entry["event"] == "stream.gap" and "operating.md" in entry["help"] for entry in logs)

                await until(shouted)
            assert meter.text == lines(1000, 1002)
        # What docs/operating.md says: the files are put back, and the stream begins anew.
        for generation in (1, 2):
            packed, _ = fetch_log.archive_paths(root, "origin", generation)
            (root / f"origin-{generation}.log").write_bytes(gzip.decompress(packed.read_bytes()))
        await wipe(server)
        async with following(server.settings, meter, audience):

            async def there() -> bool:
                return meter.text == audience.text == everything(root)

            await until(there, 30)


async def wipe(server: Broker) -> None:
    async with server.client("admin") as admin:
        await admin.flushall()


def survives(root: Path, at: int) -> bool:
    """Archive in a child that is killed at its N-th line; true when it came to its end before."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads: this child runs no thread's code
        pid = os.fork()
    if pid == 0:
        sys.settrace(Countdown(at))
        archive.put_away(root, "origin", 1, threading.Event())
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_an_archiver_killed_at_any_line_loses_nothing(tmp_path: Path) -> None:
    text = lines(0, 500) + b"torn"
    (tmp_path / "origin-2.log").write_bytes(b"next\n")
    ends = at = 0
    while not ends:
        at += 1
        (tmp_path / "origin-1.log").write_bytes(text)
        ends = survives(tmp_path, at)
        found = b"\n".join(line.line for line in fetch_log.read(tmp_path, "origin"))
        assert found == text + b"\nnext", at
        assert fetch_log.end_before(tmp_path, "origin", 2) == (1, len(text)), at
        assert ends or (tmp_path / "origin-1.log").exists() or fetch_log.archived(tmp_path, "origin") == [1], at
    assert at > 40
    assert sorted(p.name for p in (tmp_path / "archive").iterdir()) == ["origin-1.json", "origin-1.log.gz"]
