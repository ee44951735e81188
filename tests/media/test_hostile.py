"""Uploads made to do harm: each is refused with a typed reason, or bounded."""

import json
import struct
from pathlib import Path

import pytest

from api import binaries
from media import ffmpeg
from media.boxes import BadBox, read_media
from media.encoder import Failed, encode, limits_for
from media.examine import Refused as NotOurs
from media.examine import sniff
from media.probe import Refused, _believe, probe
from media.sandbox import Ended
from tests import films
from tests.media import clips
from tests.media.test_playlist import plan


async def refusal(path: Path) -> str:
    with pytest.raises(Refused) as caught:
        await probe(path)
    assert caught.value.message.endswith(".")
    return caught.value.code


PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:{victim}\n#EXT-X-ENDLIST\n"
CONCAT = "ffconcat version 1.0\nfile {victim}\n"
DASH = '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>file:{victim}</BaseURL></MPD>'
SVG = '<svg xmlns="http://www.w3.org/2000/svg"><image href="file:{victim}"/></svg>'


@pytest.mark.parametrize("text", [PLAYLIST, CONCAT, DASH, SVG], ids=["hls", "concat", "dash", "svg"])
async def test_a_text_that_points_at_another_film_is_refused(text: str, tmp_path: Path) -> None:
    victim = clips.numbered(tmp_path / "victim.mp4", 1)
    trap = tmp_path / "trap.mp4"
    trap.write_text(text.format(victim=victim))
    assert await refusal(trap) == "not_a_film"


@pytest.mark.parametrize("text", [PLAYLIST, CONCAT], ids=["hls", "concat"])
async def test_ffmpeg_would_not_follow_it_either(text: str, tmp_path: Path) -> None:
    victim = clips.numbered(tmp_path / "victim.mp4", 1)
    trap = tmp_path / "trap.mp4"
    trap.write_text(text.format(victim=victim))
    arguments = ffmpeg.video(plan(), plan().rungs[:1], trap, range(1), 1)
    with pytest.raises(Failed) as caught:
        await encode(binaries.ffmpeg(), arguments, trap, tmp_path, limits=limits_for(4, 1, 0))
    assert caught.value.permanent


@pytest.mark.parametrize("content", [b"", b"\0", b"%PDF-1.7", b"\x89PNG\r\n\x1a\n", b"ID3\3" + bytes(2000)])
async def test_what_is_no_film_is_said_to_be_none(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    assert await refusal(path) == "not_a_film"


@pytest.mark.parametrize("head", [b"\0\0\0\x18ftypisom", b"\x1a\x45\xdf\xa3", b"OggS", b"FLV\1", b"RIFF\0\0\0\0AVI "])
async def test_a_head_without_a_body_is_damaged(head: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(head + bytes(range(256)) * 40)
    assert await refusal(path) in ("damaged", "no_video")


@pytest.mark.parametrize("name", ["front.mp4", "back.mp4", "film.mkv"])
async def test_a_film_that_was_cut_off_is_damaged(name: str, tmp_path: Path) -> None:
    extra = ["-movflags", "+faststart"] if name == "front.mp4" else []
    whole = clips.numbered(tmp_path / name, 9, "-c:v", "libx264", "-g", "50", "-c:a", "aac", *extra)
    content = whole.read_bytes()
    whole.write_bytes(content[: len(content) * 2 // 3])
    assert await refusal(whole) == "damaged"


async def test_two_pictures_ten_hours_apart_are_no_film(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.mp4"
    slow = ("-vf", "setpts=N*36000/TB", "-fps_mode", "vfr", "-frames:v", "2", "-c:v", "libx264", str(bomb))
    films.ffmpeg("-f", "lavfi", "-i", "color=red:s=64x64:r=1", *slow)
    assert bomb.stat().st_size < 5000
    assert await refusal(bomb) == "too_few_pictures"


@pytest.mark.parametrize("hours", [25, 200])
async def test_a_film_longer_than_a_day_is_too_long(hours: int, tmp_path: Path) -> None:
    film = tmp_path / "long.mkv"
    slow = ("-vf", f"setpts=N*{hours * 360}/TB", "-fps_mode", "vfr", "-frames:v", "11", "-c:v", "libx264", str(film))
    films.ffmpeg("-f", "lavfi", "-i", "color=red:s=64x64:r=1", *slow)
    assert await refusal(film) == "too_long"


@pytest.mark.parametrize(("size", "code"), [("16384x2200", "too_large_picture"), ("8x8", "too_small_picture")])
async def test_pictures_have_bounds(size: str, code: str, tmp_path: Path) -> None:
    film = tmp_path / "film.mkv"
    films.ffmpeg("-f", "lavfi", "-i", f"color=red:s={size}:r=25", "-frames:v", "1", "-c:v", "mjpeg", str(film))
    assert await refusal(film) == code


async def test_a_flood_of_tracks_is_refused(tmp_path: Path) -> None:
    film = tmp_path / "film.mkv"
    short = clips.numbered(tmp_path / "short.mp4", 0.5)
    films.ffmpeg("-i", str(short), "-map", "0:v", *("-map", "0:a") * 40, "-c", "copy", str(film))
    assert await refusal(film) == "too_many_streams"


async def test_sound_alone_has_no_picture(tmp_path: Path) -> None:
    sound = tmp_path / "sound.mp4"
    films.ffmpeg("-f", "lavfi", "-i", "sine=duration=1", "-c:a", "aac", str(sound))
    assert await refusal(sound) == "no_video"


async def test_a_codec_outside_the_list_is_named(tmp_path: Path) -> None:
    film = tmp_path / "film.mkv"
    films.ffmpeg("-f", "lavfi", "-i", "color=red:s=64x64:r=5:d=1", "-c:v", "snow", "-strict", "-2", str(film))
    assert await refusal(film) in ("unsupported_codec", "damaged")


async def test_noise_in_the_middle_of_a_film_does_not_stop_it(tmp_path: Path) -> None:
    film = clips.numbered(tmp_path / "film.ts", 5, "-c:v", "libx264", "-g", "25", "-c:a", "aac")
    content = bytearray(film.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 20_000] = bytes(range(200)) * 100
    film.write_bytes(content)
    made, copied = await clips.planned(film, tmp_path / "copy")
    (folder,) = await clips.encoded(made, copied, tmp_path / "out", [(0, made.segments)])
    assert sum(media.samples for media in clips.boxes_of(clips.parts([folder], "100p"))) == made.frames


def test_a_box_that_claims_more_than_the_file_is_no_reason_to_trust_it() -> None:
    assert sniff(struct.pack(">I4s", 1 << 31, b"ftyp") + bytes(100)) == "mov"
    with pytest.raises(NotOurs):
        sniff(b"RIFF\0\0\0\0WAVE")


def test_a_segment_that_is_all_head_is_not_read_into_memory(tmp_path: Path) -> None:
    made = tmp_path / "0.m4s"
    with made.open("wb") as file:
        file.write(struct.pack(">I4sI4s", 1 << 30, b"moof", (1 << 30) - 8, b"free"))
        file.truncate(1 << 30)
    with pytest.raises(BadBox, match="moof"):
        read_media(made)


def answer(seconds: str = "1", rate: str = "25", **picture: object) -> bytes:
    """What the reader prints, with one thing changed."""
    looks = {"stream": 0, "codec": "h264", "width": 64, "height": 64, "sar": "1", "rotation": 0, "pix_fmt": "yuv420p"}
    looks |= {"interlaced": False, "hdr": "", **picture}
    facts = {"container": "mov", "indexed": True, "seconds": seconds, "frames": 25, "rate": rate, "sounds": []}
    return json.dumps({"source": {**facts, "picture": looks}}).encode()


def test_a_proper_answer_is_believed() -> None:
    assert _believe(answer(), Ended(0, "", timed_out=False)).frames == 25


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"not json",
        b'{"source": {"container": "concat"}}',
        b'{"refused": {"code": "Bad Code", "message": "x"}}',
        b'{"source": null, "extra": 1}',
        answer(seconds="99999999999999999999"),
        answer(rate="99999999999/1"),
        answer(sar="99999/1"),
        answer(width=65536, height=65536),
        answer(hdr="<b>"),
    ],
)
def test_a_reader_taken_over_by_the_file_is_not_believed(line: bytes) -> None:
    with pytest.raises(Refused) as caught:
        _believe(line, Ended(-11, "", timed_out=False))
    assert caught.value.code == "damaged"
