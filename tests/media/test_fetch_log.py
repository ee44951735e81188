"""The files of a fetch log: every line with its place, over archive and live files; damage is found, not read."""

import gzip
import hashlib
import json
import os
import threading
import time
from pathlib import Path

import pytest

from media import fetch_log
from media.fetch_log import Archived, Damaged, Logged
from workers import archive
from workers.follow import Position

TEXTS = {1: b"a\nbc\n", 2: b"", 3: b"\n\xff\xfe\0\ntorn", 4: b"d\nbeing wr"}
ALL = [(1, 0, b"a"), (1, 2, b"bc"), (3, 0, b""), (3, 1, b"\xff\xfe\0"), (3, 5, b"torn"), (4, 0, b"d")]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for generation, text in TEXTS.items():
        (tmp_path / f"origin-{generation}.log").write_bytes(text)
    (tmp_path / "edge-1.log").write_bytes(b"other\n")
    fetch_log.link(tmp_path, "origin", 4)
    return tmp_path


def put_away(root: Path, *generations: int) -> list[Archived]:
    return [archive.put_away(root, "origin", g, threading.Event()) for g in generations]


@pytest.mark.parametrize("gone", [(), (1,), (1, 2), (2, 1, 3), (3,)])
def test_all_lines_are_read_wherever_they_are(root: Path, gone: tuple[int, ...]) -> None:
    put_away(root, *gone)
    assert list(fetch_log.read(root, "origin")) == [Logged(*line) for line in ALL]
    assert list(fetch_log.read(root, "origin", (3, 1))) == [Logged(*line) for line in ALL[3:]]
    assert list(fetch_log.read(root, "edge")) == [(1, 0, b"other")]
    assert list(fetch_log.read(root, "nobody")) == []
    assert fetch_log.archived(root, "origin") == sorted(gone)


def test_logs_of_several_machines_may_lie_side_by_side(root: Path) -> None:
    other = root / "other"
    other.mkdir()
    (other / "far-1.log").write_bytes(b"x\n")
    assert [fetch_log.folder(root, edge) for edge in ("origin", "edge", "far", "nobody")] == [root, root, other, root]
    archive.put_away(other, "far", 1, threading.Event())
    assert fetch_log.folder(root, "far") == other
    assert fetch_log.folder(root / "nowhere", "far") == root / "nowhere"


def test_the_archive_says_what_is_in_it(root: Path) -> None:
    one, three = put_away(root, 1, 3)
    assert three.sha256 == hashlib.sha256(TEXTS[3]).hexdigest()
    assert (one.bytes, one.lines, three.bytes, three.lines) == (5, 2, 9, 3)
    assert json.loads((root / "archive/origin-1.json").read_text()) == {"bytes": 5, "lines": 2, "sha256": one.sha256}
    assert gzip.decompress((root / "archive/origin-3.log.gz").read_bytes()) == TEXTS[3]
    assert not (root / "origin-1.log").exists()


@pytest.mark.parametrize("damage", ["cut", "flip", "other", "gone", "note"])
def test_damage_is_found(root: Path, damage: str) -> None:
    put_away(root, 1)
    packed, noted = fetch_log.archive_paths(root, "origin", 1)
    data = packed.read_bytes()
    if damage == "gone":
        packed.unlink()
    elif damage == "note":
        noted.write_text('{"bytes":"many"}')
    else:
        spoilt = {
            "cut": data[:-9],
            "flip": data[:-6] + bytes([data[-6] ^ 255]) + data[-5:],
            "other": gzip.compress(b"x"),
        }
        packed.write_bytes(spoilt[damage])
    with pytest.raises(Damaged):
        list(fetch_log.read(root, "origin"))


@pytest.mark.parametrize("gone", [(), (1,), (1, 2), (1, 2, 3)])
def test_where_the_log_ended_before_a_generation(root: Path, gone: tuple[int, ...]) -> None:
    put_away(root, *gone)
    ends = {g: fetch_log.end_before(root, "origin", g) for g in (1, 2, 3, 4, 9)}
    assert ends == {1: None, 2: (1, 5), 3: (1, 5), 4: (3, 9), 9: (4, 10)}


def test_a_note_by_hand_declares_a_lost_generation(root: Path) -> None:
    (root / "archive").mkdir()
    (root / "archive/origin-7.json").write_text('{"bytes": 4711}')
    assert fetch_log.end_before(root, "origin", 8) == (7, 4711)


def test_the_link_leads_to_a_generation_or_nowhere(root: Path) -> None:
    assert fetch_log.linked(root, "origin") == 4
    fetch_log.link(root, "origin", 5)
    assert fetch_log.linked(root, "origin") == 5
    assert sorted(fetch_log.live(root)) == ["edge", "origin"]
    assert fetch_log.linked(root, "edge") is None
    for target in ("elsewhere.log", "edge-1.log", "../origin-4.log"):
        (root / "edge-2.log").unlink(missing_ok=True)
        (root / "origin.log").unlink()
        (root / "origin.log").symlink_to(target)
        assert fetch_log.linked(root, "origin") is None


def test_old_archives_are_forgotten_when_everybody_is_past_them(root: Path) -> None:
    put_away(root, 1, 2, 3)
    old = time.time() - 11 * 86_400
    for generation in (1, 2, 3):
        os.utime(root / f"archive/origin-{generation}.json", (old, old))
    assert archive.forget(root, "origin", 0, Position(4, 0)) == []
    assert archive.forget(root, "origin", 12, Position(4, 0)) == []
    assert archive.forget(root, "origin", 10, Position(2, 0)) == [1]
    assert archive.forget(root, "origin", 10, Position(4, 0)) == [2]  # the newest says where the log ended
    assert sorted(p.name for p in (root / "archive").iterdir()) == ["origin-3.json", "origin-3.log.gz"]
