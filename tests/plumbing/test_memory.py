"""Folders in memory: ours alone, or not used."""

import os
from pathlib import Path

import pytest

from api import memory


@pytest.fixture
def wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for verdicts; the memory is a folder of this test, so that a machine without /dev/shm can run it."""
    (tmp_path / "memory").mkdir()
    monkeypatch.setattr(memory, "PLACE", tmp_path / "memory")
    monkeypatch.setattr(memory, "ENOUGH_BYTES", 0)
    return tmp_path / "verdicts"


def test_a_folder_in_memory_is_ours_alone(wanted: Path) -> None:
    wanted.mkdir()
    (wanted / "old").touch()
    assert memory.keep(wanted)
    assert wanted.readlink() == memory.folder(wanted)
    assert memory.folder(wanted).stat().st_mode & 0o777 == 0o700
    assert list(wanted.iterdir()) == []


def test_a_restart_finds_what_was_kept(wanted: Path) -> None:
    assert memory.keep(wanted)
    (wanted / "kept").touch()
    assert memory.keep(wanted)
    assert (wanted / "kept").exists()
    memory.drop(wanted)
    assert not memory.folder(wanted).exists()


def test_a_folder_others_can_write_to_is_not_believed(wanted: Path) -> None:
    memory.folder(wanted).mkdir()
    memory.folder(wanted).chmod(0o777)
    assert not memory.keep(wanted)
    assert not wanted.is_symlink()


def test_a_link_under_our_name_is_not_followed(wanted: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    memory.folder(wanted).symlink_to(tmp_path / "elsewhere")
    assert not memory.keep(wanted)
    memory.drop(wanted)
    assert (tmp_path / "elsewhere").is_dir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_not_believed(wanted: Path) -> None:
    memory.folder(wanted).mkdir(mode=0o700)
    os.chown(memory.folder(wanted), 65534, -1)
    assert not memory.keep(wanted)


def test_too_little_memory_is_left_alone(wanted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert memory.keep(wanted)
    monkeypatch.setattr(memory, "ENOUGH_BYTES", 1 << 62)
    assert not memory.keep(wanted)
    assert not wanted.is_symlink()


def test_a_system_without_such_a_place_uses_the_disk(wanted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "PLACE", wanted / "nowhere")
    assert not memory.keep(wanted)
    assert not wanted.is_symlink()
