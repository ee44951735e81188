"""Sound lies under the right pictures, whatever the source does with it."""

from itertools import pairwise
from pathlib import Path

import pytest

from media.plan import Plan
from tests import films
from tests.media import clips

COPY = ("-c", "copy")


async def heard(source: Path, folder: Path) -> tuple[Plan, list[float]]:
    """The plan of a source, and how loud each tenth of a second of its first track is, in units as in one pass."""
    plan, film = await clips.planned(source, folder / "copy")
    whole = await clips.sounded(plan, film, folder / "whole")
    made = await clips.sounded(plan, film, folder / "sound", *((at, at + 1) for at in range(plan.segments)))
    loud = clips.loudness(whole / "init.mp4", clips.parts([whole.parent], whole.name))
    segments = clips.parts([made.parent], made.name)
    boxes = clips.boxes_of(segments)
    cuts = plan.timeline.audio_cuts(48000, 1024, clips.encoded_track(plan).frames)
    assert [media.samples for media in boxes] == [end - start for start, end in pairwise(cuts)]
    assert [media.decode_time for media in boxes] == [sum(m.duration for m in boxes[:at]) for at in range(len(boxes))]
    again = clips.loudness(made / "init.mp4", segments)
    assert again == pytest.approx(loud, abs=0.02)
    return plan, loud


@pytest.mark.parametrize("seconds", [0.04, 3.96, 4.0, 4.04, 8.0, 9.0])
async def test_sound_is_cut_exactly_as_planned(seconds: float, tmp_path: Path) -> None:
    plan, loud = await heard(clips.numbered(tmp_path / "a.mp4", seconds), tmp_path)
    assert abs(len(loud) / 10 - plan.duration_ms / 1000) <= 0.12


async def test_a_late_start_is_silence_not_a_shift(tmp_path: Path) -> None:
    clip, film = clips.numbered(tmp_path / "a.mp4", 4), tmp_path / "late.mkv"
    films.ffmpeg(
        *("-i", str(clip), "-itsoffset", "1.5", "-i", str(clip), "-map", "0:v", "-map", "1:a"),
        *COPY,
        "-t",
        "4",
        str(film),
    )
    _, loud = await heard(film, tmp_path)
    assert max(loud[:14]) < 0.001
    assert min(loud[16:39]) > 0.05


async def test_a_hole_is_silence_not_a_shift(tmp_path: Path) -> None:
    clip, film = clips.numbered(tmp_path / "a.mkv", 5, "-c:v", "libx264", "-c:a", "pcm_s16le"), tmp_path / "hole.mkv"
    films.ffmpeg(
        *("-i", str(clip), "-map", "0", "-c:v", "copy"),
        *("-af", "aselect='not(between(t,2,3))'", "-c:a", "pcm_s16le", str(film)),
    )
    _, loud = await heard(film, tmp_path)
    assert max(loud[21:29]) < 0.001
    assert min(loud[1:19]) > 0.05
    assert min(loud[32:48]) > 0.05


@pytest.mark.parametrize(("cut", "quiet_from"), [(2, 21), (9, None)])
async def test_sound_of_another_length_ends_with_the_pictures(cut: int, quiet_from: int | None, tmp_path: Path) -> None:
    film = tmp_path / "a.mkv"
    tone = ("-f", "lavfi", "-i", f"sine=sample_rate=48000:duration={cut}")
    silent = clips.numbered(tmp_path / "v.mp4", 5, sound=False)
    films.ffmpeg("-i", str(silent), *tone, "-c:v", "copy", "-c:a", "flac", str(film))
    plan, loud = await heard(film, tmp_path)
    assert plan.duration_ms == 5000
    assert len(loud) == 51
    assert quiet_from is None or max(loud[quiet_from:]) < 0.001


async def test_surround_is_folded_to_stereo(tmp_path: Path) -> None:
    plan, loud = await heard(films.bunny(), tmp_path)
    assert plan.segments == 2
    assert len(loud) == 53
