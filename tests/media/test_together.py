"""Picture and sound stay together, from every container to the segments, by decoding and by box arithmetic."""

from pathlib import Path

import pytest

from media.boxes import read_init, read_media
from tests.media import clips
from tests.media.flashes import apart, beep_times, flash_times, flashing

H264 = ("-c:v", "libx264", "-preset", "veryfast", "-g", "70", "-bf", "3")
MPEG2 = ("-c:v", "mpeg2video", "-bf", "2", "-g", "50")
# A film that begins between two pictures of the grid is moved to the nearer one; and the last three containers cannot
# say how much of their sound is the encoder's own run-up.
EXACT, HALF_A_PICTURE, NEAR = 0.005, 0.020, 0.040
SOURCES = {
    "film.mp4": (EXACT, (*H264, "-c:a", "aac")),
    "film.mov": (EXACT, (*H264, "-c:a", "pcm_s16le")),
    "film.mkv": (EXACT, (*H264, "-c:a", "flac")),
    "film.webm": (EXACT, ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus")),
    "film.ts": (HALF_A_PICTURE, (*H264, "-c:a", "aac", "-f", "mpegts")),
    "film.mpg": (NEAR, (*MPEG2, "-c:a", "mp2", "-f", "vob")),
    "film.avi": (NEAR, ("-c:v", "mpeg4", "-bf", "2", "-c:a", "mp3")),
    "film.flv": (NEAR, (*H264, "-c:a", "aac")),
}


async def made(source: Path, folder: Path) -> tuple[list[float], list[float]]:
    """When the film flashes and beeps once it is encoded."""
    plan, film = await clips.planned(source, folder / "copy")
    (pictures,) = await clips.encoded(plan, film, folder / "out", [(0, plan.segments)])
    sound = await clips.sounded(plan, film, folder / "sound")
    shown = pictures / plan.rungs[0].name
    begin_together(shown, sound)
    flashes = flash_times(shown / "init.mp4", clips.parts([pictures], shown.name))
    return flashes, beep_times(sound / "init.mp4", clips.parts([sound.parent], sound.name))


def begin_together(shown: Path, sound: Path) -> None:
    """By the boxes alone: one edit each, the first picture at 0, the sound's priming before it and nothing else."""
    picture, tone = (read_init((folder / "init.mp4").read_bytes()) for folder in (shown, sound))
    first, heard = (read_media(folder / "0.m4s") for folder in (shown, sound))
    assert [media_time for _, media_time in picture.edits] == [first.decode_time + first.first_offset]
    assert [media_time for _, media_time in tone.edits] == [1024]
    assert (heard.decode_time, heard.first_offset) == (0, 0)


@pytest.mark.parametrize("name", SOURCES)
async def test_a_flash_and_its_beep_stay_together(name: str, tmp_path: Path) -> None:
    allowed, options = SOURCES[name]
    flashes, beeps = await made(flashing(tmp_path / name, 6, *options), tmp_path)
    assert len(flashes) == 6
    assert max(map(abs, apart(flashes, beeps))) <= allowed, (flashes, beeps)
