"""What root writes at a start gives the programs' account nothing of root's."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from api import machine
from api.settings import load
from api.stack import Account
from tests.servers import scratch

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to lose")
NOBODY = 65534


@pytest.fixture
def home() -> Iterator[Path]:
    with scratch() as folder:
        yield folder


@dataclass(frozen=True)
class Swapping(Account):
    """An account whose programs put a link in the place of a file that is just being given to them."""

    link: Path = Path()
    target: Path = Path()

    def own(self, place: Path | int) -> None:
        self.link.unlink()
        self.link.symlink_to(self.target)
        super().own(place)


def test_a_link_put_where_a_file_is_being_written_gives_nothing_away(home: Path) -> None:
    target = home / "shadow"
    target.write_text("root's own")
    who = Swapping("nobody", NOBODY, NOBODY, link=home / "redis.conf.new", target=target)
    machine.write(home / "redis.conf", "port 1\n", who)
    assert (target.stat().st_uid, target.read_text()) == (0, "root's own")


def test_the_programs_can_read_the_secrets_but_not_change_what_the_next_start_obeys(home: Path) -> None:
    who, path = Account("nobody", NOBODY, NOBODY), home / "secrets.env"
    settings = load({"STREAMIFY_HOME": str(home)})
    for _ in range(2):  # made, then mended
        machine.with_secrets(settings, who)
        found = path.stat()
        assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (0, NOBODY, 0o640)
        os.chown(path, NOBODY, NOBODY)
