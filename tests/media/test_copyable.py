"""Which sources are served as they are, and which are not offered for it."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import msgspec
import pytest

from media import runs
from media.copyable import Copy, Frames, Pictures, Runs, SoundCopy, chosen, copied_picture, copied_sound
from media.probe import probe
from media.timeline import Timeline
from tests import films

H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
GRID = (*H264, "-g", "50", "-keyint_min", "50", "-sc_threshold", "0")
AAC = ("-c:a", "aac", "-ac", "2")


def made(out: Path, *options: str, seconds: float = 6, before: Sequence[str] = ()) -> Path:
    """A clip on the grid, with sound that would be copied; `options` come last and win."""
    pictures = ("-f", "lavfi", "-i", f"testsrc2=size=160x96:rate=25:duration={seconds}")
    tone = ("-f", "lavfi", "-i", f"sine=sample_rate=48000:duration={seconds}")
    films.ffmpeg(*before, *pictures, *tone, *GRID, *AAC, *options, str(out))
    return out


async def test_a_plain_film_is_copied_on_the_grid(tmp_path: Path) -> None:
    info = await probe(made(tmp_path / "a.mp4"))
    assert info.copy is not None
    assert (info.copy.aligned, info.copy.cuts, info.copy.timescale) == (True, [0, 51200, 76800], 12800)
    assert (info.copy.stream, info.copy.width, info.copy.height, info.copy.codecs[:7]) == (0, 160, 96, "avc1.42")
    assert info.sounds[0].copy is not None
    assert msgspec.structs.replace(info.sounds[0].copy, bitrate=0) == SoundCopy("1190", 48000, 2, 1024, 283, 0)


async def test_the_bunny_is_copied_but_not_its_six_channels() -> None:
    info = await probe(films.bunny())
    assert info.copy is not None
    assert (info.copy.cuts, info.copy.aligned) == ([0, 67584], False)
    assert info.sounds[0].copy is None


NOT_PLAIN = {
    "open gop": ("-c:v", "libx264", "-bf", "3", "-x264-params", "open-gop=1:keyint=25:min-keyint=25:scenecut=0"),
    "ten bits": ("-pix_fmt", "yuv420p10le"),
    "4:4:4": ("-pix_fmt", "yuv444p"),
    "full range": ("-vf", "scale=out_range=pc,format=yuvj420p", "-pix_fmt", "yuvj420p"),
    "woven": ("-vf", "setfield=tff", "-flags", "+ildct+ilme", "-x264opts", "tff=1"),
    "wide pixels": ("-vf", "setsar=16/11"),
    "hdr": ("-vf", "setparams=color_trc=smpte2084:color_primaries=bt2020:colorspace=bt2020nc"),
    "hevc": ("-c:v", "libx265", "-x265-params", "log-level=error", "-tag:v", "hvc1"),
    "fast": ("-r", "100"),
    "fragments": ("-movflags", "+frag_keyframe+empty_moov"),
    "no idr for long": ("-t", "12", "-g", "999", "-keyint_min", "999"),
    "heavy": ("-vf", "scale=640:480,noise=alls=100:allf=t", "-b:v", "30M", "-minrate", "30M", "-g", "5"),
}


@pytest.mark.parametrize("options", NOT_PLAIN.values(), ids=NOT_PLAIN)
async def test_pictures_that_would_not_do_are_not_offered(options: tuple[str, ...], tmp_path: Path) -> None:
    info = await probe(made(tmp_path / "a.mp4", *options, seconds=12 if "-t" in options else 4))
    assert info.copy is None


@pytest.mark.parametrize("name", ["a.mkv", "a.ts", "a.flv"])
async def test_other_containers_are_not_copied(name: str, tmp_path: Path) -> None:
    info = await probe(made(tmp_path / name, seconds=2))
    assert (info.copy, info.sounds[0].copy) == (None, None)


async def test_a_turned_film_is_not_copied(tmp_path: Path) -> None:
    flat, turned = made(tmp_path / "flat.mp4", seconds=2), tmp_path / "turned.mp4"
    films.ffmpeg("-display_rotation", "90", "-i", str(flat), "-c", "copy", str(turned))
    assert (await probe(turned)).copy is None


async def test_a_film_cut_without_encoding_is_not_copied(tmp_path: Path) -> None:
    """Its edit list hides the pictures between the key picture and the cut."""
    whole, cut = made(tmp_path / "whole.mp4"), tmp_path / "cut.mp4"
    films.ffmpeg("-ss", "2.5", "-i", str(whole), "-c", "copy", str(cut))
    assert (await probe(cut)).copy is None


async def test_pictures_that_come_late_are_not_copied(tmp_path: Path) -> None:
    assert (await probe(made(tmp_path / "a.mp4", before=("-itsoffset", "0.4")))).copy is None


NOT_HEARD = {
    "six channels": ("-ac", "6"),
    "slow": ("-ar", "22050"),
    "mp3": ("-c:a", "libmp3lame"),
    "short": ("-af", "atrim=end=5.9"),
    "hole": ("-bsf:a", "setts=ts='if(gt(TS,96000),TS+9600,TS)'"),
    "late": ("-af", "asetpts=PTS+0.2/TB"),
}


@pytest.mark.parametrize("options", NOT_HEARD.values(), ids=NOT_HEARD)
async def test_sound_that_would_not_do_is_not_offered(options: tuple[str, ...], tmp_path: Path) -> None:
    info = await probe(made(tmp_path / "a.mp4", *options))
    assert info.copy is not None
    assert info.sounds[0].copy is None


async def test_what_tracks_are_for_is_told(tmp_path: Path) -> None:
    marks = ("-disposition:a:0", "original", "-disposition:a:1", "comment", "-disposition:a:2", "visual_impaired")
    film = made(tmp_path / "a.mkv", "-map", "0:v", *("-map", "1:a") * 3, *marks, seconds=1)
    flags = [sound.flags for sound in (await probe(film)).sounds]
    assert flags == [["original"], ["commentary"], ["descriptive"]]


@pytest.mark.parametrize(
    ("marks", "cuts"),
    [
        ([0, 2, 4, 6, 8, 10], [0, 4, 8, 10]),
        ([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [0, 4, 8, 10]),
        ([0, 3, 9, 12], [0, 3, 9, 12]),
        ([0, 9, 10], [0, 9, 10]),
        ([0, 0.1, 8, 16], [0, 8, 16]),
        ([0, 4, 8, 8.1], [0, 4, 8.1]),
        ([0, 3], [0, 3]),
        ([0, 4.5, 9.001], [0, 4.5, 9.001]),
    ],
)
def test_cuts_are_the_last_idr_within_four_and_a_half_seconds_or_else_the_next(
    marks: list[float], cuts: list[float]
) -> None:
    ticks = [round(mark * 1000) for mark in marks]
    assert chosen(ticks, 1000) == [round(cut * 1000) for cut in cuts]


TIMELINE = Timeline(Fraction(25), 200)
PLAIN = Pictures(
    timescale=12800,
    offset=1024,
    start="0",
    count=200,
    frame=512,
    avcc="01640028ffe1",
    ticks=[25600] * 4,
    bytes=[100_000] * 4,
)
HEARD = Frames(config="1210", rate=44100, channels=2, start="0", end="8", lead=1024, count=346, bytes=128_000)


def picture(told: Pictures, start: Fraction = Fraction(0)) -> Copy | None:
    return copied_picture(Runs(0, picture=told), (640, 360), TIMELINE, start, Fraction(25))


def change(told: Pictures, **fields: object) -> Pictures:
    return msgspec.structs.replace(told, **fields)


def test_rates_are_those_of_the_packets() -> None:
    copy = picture(change(PLAIN, bytes=[100_000, 300_000, 100_000, 100_000]))
    assert copy is not None
    assert (copy.bandwidth, copy.average_bandwidth) == (800_001, 600_001)


WRONG = [
    {"avcc": "016e0028ffe1"},  # High 10
    {"avcc": "01640035ffe1"},  # level 5.3
    {"start": "1/40"},
    {"start": "-1/40"},
    {"ticks": [25600] * 5, "bytes": [1] * 5},  # longer than the film
    {"ticks": [25600] * 3, "bytes": [1] * 3},
    {"ticks": [25600] * 4, "bytes": [1] * 3},
    {"bytes": [5_000_000] * 4},
    {"timescale": 1},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_facts_that_contradict_the_film_are_not_believed(wrong: dict[str, object]) -> None:
    assert picture(PLAIN) is not None
    assert picture(change(PLAIN, **wrong)) is None


@pytest.mark.parametrize(
    "off", [{"frame": 0}, {"frame": 511}, {"count": 199}, {"ticks": [25600, 25601, 25599, 25600]}], ids=str
)
def test_a_source_off_the_grid_is_not_aligned(off: dict[str, object]) -> None:
    near, plain = picture(change(PLAIN, **off)), picture(PLAIN)
    assert plain is not None
    assert near is not None
    assert (plain.aligned, near.aligned) == (True, False)


def sound(told: Frames) -> SoundCopy | None:
    return copied_sound(Runs(1, sound=told), TIMELINE, Fraction(0))


@pytest.mark.parametrize(
    "wrong",
    [
        {"rate": 22050},
        {"start": "1/500"},
        {"end": "79/10"},
        {"count": 300},
        {"lead": 9000},
        {"lead": 0, "start": "1/900"},
    ],
    ids=str,
)
def test_sound_must_last_as_long_as_the_film(wrong: dict[str, object]) -> None:
    assert sound(HEARD) == SoundCopy("1210", 44100, 2, 1024, 346, 127_456)
    assert sound(msgspec.structs.replace(HEARD, **wrong)) is None


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ("1190", (48000, 2)),
        ("1208", (44100, 1)),
        ("119056e500", (48000, 2)),
        ("119056e580", (0, 0)),  # spectral band replication
        ("2b92", (0, 0)),  # HE-AAC
        ("eb09", (0, 0)),  # HE-AAC v2
        ("11b0", (0, 0)),  # six channels
        ("1194", (0, 0)),  # frames of 960 samples
        ("1780", (0, 0)),
        ("", (0, 0)),
    ],
)
def test_only_plain_low_complexity_aac_is_copied(config: str, told: tuple[int, int]) -> None:
    assert runs.low_complexity(bytes.fromhex(config)) == told
