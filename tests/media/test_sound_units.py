"""Units of sound fit together to the sample: no gap, no shift, no click, whatever the source's clock is worth."""

import operator
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from api import binaries
from media.boxes import read_init
from media.copying import copy_sound
from media.encoder import Failed, limits_for
from media.plan import Plan, Track
from media.probe import probe
from media.sound import BadFrames, Loudness, adts_frames, gain, loudness, read_loudness, write_segments
from tests import films
from tests.media import clips

SECONDS = 13
# Two rising tones: a shift by a few samples is louder than what coding leaves.
RISING = "aevalsrc='0.3*sin(PI*(600+150*t)*t)|0.3*sin(PI*(800+100*t)*t)':s={rate}:d={seconds}"
LIMITS = limits_for(60, 1 << 20)
SOURCES: dict[str, tuple[str, ...]] = {
    "aac.mp4": ("48000", "-c:a", "aac"),
    "aac.mkv": ("48000", "-c:a", "aac"),
    "opus.mkv": ("48000", "-c:a", "libopus", "-b:a", "192k"),
    "vorbis.webm": ("48000", "-c:a", "libvorbis", "-b:a", "256k", "-c:v", "libvpx", "-deadline", "realtime"),
    "flac.mkv": ("44100", "-c:a", "flac"),
    "mp2.ts": ("48000", "-c:a", "mp2", "-f", "mpegts"),
    "mp3.avi": ("44100", "-c:a", "libmp3lame", "-c:v", "mpeg4"),
    "pcm.avi": ("44100", "-c:a", "pcm_s16le", "-c:v", "mpeg4"),
    "pcm.mov": ("48000", "-c:a", "pcm_s16le"),
    "speech.mov": ("8000", "-c:a", "pcm_s16le", "-ac", "1"),
}


def rising(out: Path, rate: str, *options: str, seconds: float = SECONDS) -> Path:
    """A film whose sound is nowhere like itself."""
    picture = ("-f", "lavfi", "-i", f"color=gray:s=64x64:r=25:d={seconds}")
    tone = ("-f", "lavfi", "-i", RISING.format(rate=rate, seconds=seconds))
    films.ffmpeg(*picture, *tone, "-c:v", "libx264", "-preset", "ultrafast", "-g", "50", *options, str(out))
    return out


def level(samples: list[float]) -> float:
    """Root mean square."""
    return (sum(map(operator.mul, samples, samples)) / len(samples)) ** 0.5


def differences(one: list[float], other: list[float]) -> list[float]:
    """How far apart two decoded tracks are, AAC frame by AAC frame."""
    apart = list(map(operator.sub, one, other))
    return [level(apart[at : at + 1024]) for at in range(0, len(apart) - 1023, 1024)]


def most(values: list[float]) -> float:
    """What 19 of 20 do not exceed: FFmpeg's encoder fails on a frame now and then, wherever it began."""
    return sorted(values)[len(values) * 19 // 20]


def joints(plan: Plan, track: Track, spans: list[tuple[int, int]]) -> set[int]:
    """Frames of the film, counted from time 0, that overlap with those of another unit."""
    cuts = plan.timeline.audio_cuts(track.rate, track.lead, track.frames)
    starts = [cuts[first] - 1 for first, _ in spans if first > 0]
    return {frame for start in starts for frame in (start - 1, start)}


async def units(plan: Plan, film: Path, folder: Path, track: Track) -> tuple[list[float], list[float], set[int]]:
    """What is heard of a track made in one pass, and in units out of order; and the frames where units meet."""
    spans = [(2, plan.segments), (0, 1), (1, 2)]
    whole = await clips.sounded(plan, film, folder / "whole", track=track)
    parts = await clips.sounded(plan, film, folder / "parts", *spans, track=track)
    cuts = plan.timeline.audio_cuts(track.rate, track.lead, track.frames)
    for made in (whole, parts):
        boxes = clips.boxes_of(clips.parts([made.parent], made.name))
        assert [media.samples for media in boxes] == [end - start for start, end in pairwise(cuts)]
        assert [media.decode_time for media in boxes] == [cut * 1024 for cut in cuts[:-1]]
        assert {file.suffix for file in made.iterdir()} == {".mp4", ".m4s"}
    assert (whole / "init.mp4").read_bytes() == (parts / "init.mp4").read_bytes()
    return clips.heard(whole), clips.heard(parts), joints(plan, track, spans)


@pytest.mark.parametrize("name", SOURCES)
async def test_units_sound_like_one_pass(name: str, tmp_path: Path) -> None:
    rate, *options = SOURCES[name]
    plan, film = await clips.planned(rising(tmp_path / name, rate, *options), tmp_path / "copy")
    whole, parts, meetings = await units(plan, film, tmp_path, clips.encoded_track(plan))
    assert plan.segments == 4
    assert len(whole) == len(parts)
    assert level(whole) > 0.09
    apart = differences(whole, parts)
    assert most(apart) < 0.015
    assert max(apart[frame] for frame in meetings) < 0.015


async def test_encoded_sound_lies_where_copied_sound_lies(tmp_path: Path) -> None:
    film = rising(tmp_path / "a.mp4", "48000", "-c:a", "aac", "-b:a", "192k")
    plan, _ = await clips.planned(film, tmp_path)
    track = plan.tracks[0]
    assert track.copied
    await copy_sound(plan, track, film, range(plan.segments), tmp_path / "copied")
    made = await clips.sounded(plan, film, tmp_path / "made", (2, plan.segments), (0, 2))
    copied, encoded = clips.heard(tmp_path / "copied" / track.name), clips.heard(made)
    assert most(differences(copied[: 48000 * SECONDS], encoded)) < 0.02


async def test_one_gain_is_applied_everywhere(tmp_path: Path) -> None:
    film = rising(tmp_path / "a.mov", "48000", "-c:a", "pcm_s16le")
    plan, _ = await clips.planned(film, tmp_path)
    track = clips.encoded_track(plan)
    plain = clips.heard(await clips.sounded(plan, film, tmp_path / "plain", track=track))
    quiet = msgspec.structs.replace(track, gain_db=-6.0)
    _, parts, _ = await units(plan, film, tmp_path, quiet)
    places = range(0, 48000 * SECONDS, 4800)
    assert most([abs(level(parts[at : at + 4800]) / level(plain[at : at + 4800]) - 0.5012) for at in places]) < 0.01


async def test_the_low_group_takes_the_same_path(tmp_path: Path) -> None:
    film = rising(tmp_path / "a.mov", "48000", "-c:a", "pcm_s16le")
    plan, _ = await clips.planned(film, tmp_path)
    low = msgspec.structs.replace(clips.encoded_track(plan), group="low", bitrate=48_000)
    await units(plan, film, tmp_path, low)
    made = tmp_path / "parts" / low.name
    assert 40_000 < sum(path.stat().st_size for path in made.glob("*.m4s")) * 8 / SECONDS < 56_000
    assert read_init((made / "init.mp4").read_bytes()).codec == "mp4a.40.2"


async def test_a_track_that_changes_rate_and_layout_midway_keeps_its_place(tmp_path: Path) -> None:
    parts = []
    for number, (rate, channels) in enumerate([(48000, 2), (44100, 1), (48000, 2)]):
        tone = ("-f", "lavfi", "-i", f"sine={300 + 200 * number}:sample_rate={rate}:d=4.5", "-ac", str(channels))
        parts.append(tmp_path / f"{number}.ts")
        films.ffmpeg(*tone, "-c:a", "mp2", "-output_ts_offset", str(4.5 * number), "-f", "mpegts", str(parts[-1]))
    (tmp_path / "sound.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    film = tmp_path / "film.mkv"
    picture = ("-f", "lavfi", "-i", "color=gray:s=64x64:r=25:d=13")
    films.ffmpeg(*picture, "-i", str(tmp_path / "sound.ts"), "-c:v", "libx264", "-c:a", "copy", "-t", "13", str(film))
    plan, film = await clips.planned(film, tmp_path)
    whole, made, _ = await units(plan, film, tmp_path, clips.encoded_track(plan))
    for samples in (whole, made):
        heard = [_crossings(samples[at * 4800 : at * 4800 + 4800]) for at in range(128)]
        assert all(abs(pitch - 300) < 21 for pitch in heard[1:44])
        assert all(abs(pitch - 500) < 21 for pitch in heard[47:89])
        assert all(abs(pitch - 700) < 21 for pitch in heard[92:127])


def _crossings(samples: list[float]) -> float:
    """The pitch of a tenth of a second."""
    return 5 * sum((a < 0) != (b < 0) for a, b in pairwise(samples))


@pytest.mark.parametrize(
    ("sound", "lufs", "peak", "wanted"),
    [
        # EBU Tech 3341: a stereo sine of 1 kHz at -23 dBFS is -23 LUFS.
        ("sine=1000:sample_rate=48000:d=6,volume=0.5664,pan=stereo|c0=c0|c1=c0", -23.0, -23.0, 7.0),
        # The same from 44.1 kHz and one channel, spread to two at -3 dB each.
        ("sine=1000:sample_rate=44100:d=6,volume=0.5664", -26.0, -26.0, 10.0),
    ],
)
async def test_loudness_is_that_of_the_reference(
    sound: str, lufs: float, peak: float, wanted: float, tmp_path: Path
) -> None:
    film = tmp_path / "a.mkv"
    films.ffmpeg(
        "-f", "lavfi", "-i", "color=gray:s=64x64:r=25:d=6", "-f", "lavfi", "-i", sound, "-c:a", "flac", str(film)
    )
    plan, _ = await clips.planned(film, tmp_path)
    heard = await loudness(plan, plan.tracks[0], film, binary=binaries.ffmpeg(), limits=LIMITS)
    assert heard is not None
    assert heard == pytest.approx((lufs, peak), abs=0.15)
    assert gain(heard) == pytest.approx(wanted, abs=0.2)


async def test_silence_is_not_made_louder(tmp_path: Path) -> None:
    film = tmp_path / "a.mkv"
    still = ("-f", "lavfi", "-i", "color=gray:s=64x64:r=25:d=2")
    films.ffmpeg(*still, "-f", "lavfi", "-i", "anullsrc=d=2", "-c:a", "flac", str(film))
    plan, _ = await clips.planned(film, tmp_path)
    heard = await loudness(plan, plan.tracks[0], film, binary=binaries.ffmpeg(), limits=LIMITS)
    assert heard is None
    assert gain(heard) == 0


@pytest.mark.parametrize(
    ("lufs", "peak", "wanted"),
    [
        (-23.0, -10.0, 7.0),
        (-23.0, -5.04, 3.5),  # as far as the peaks allow, rounded down
        (-9.0, 0.5, -7.0),
        (-16.0, -3.0, 0.0),
        (-60.0, -50.0, 20.0),
        (-17.5, -0.3, 0.0),  # quiet, but with peaks: never made quieter still
    ],
)
def test_a_gain_is_static_and_bounded(lufs: float, peak: float, wanted: float) -> None:
    assert gain(Loudness(lufs, peak)) == wanted


SUMMARY = (
    "  Integrated loudness:\n    I:      {} LUFS\n    Threshold: -33.4 LUFS\n\n  True peak:\n    Peak:   {} dBFS\n"
)


def test_of_several_summaries_the_loudest_counts() -> None:
    said = SUMMARY.format("-70.0", "-inf") + SUMMARY.format("-23.4", "-3.1") + SUMMARY.format("-21.0", "-6.0")
    assert read_loudness(said) == Loudness(-21.0, -3.1)


@pytest.mark.parametrize("said", ["", SUMMARY.format("-70.0", "-inf"), SUMMARY.format("nan", "nan"), "    I: x LUFS\n"])
def test_no_loudness_is_none(said: str) -> None:
    assert read_loudness(said) is None


@pytest.mark.parametrize(
    ("name", "step"), [("aac.mkv", 1024), ("opus.mkv", 960), ("vorbis.webm", 64), ("pcm.mov", None)]
)
async def test_the_probe_hears_the_beat_of_a_coarse_clock(name: str, step: int | None, tmp_path: Path) -> None:
    rate, *options = SOURCES[name]
    (sound,) = (await probe(rising(tmp_path / name, rate, *options, seconds=2))).sounds
    assert (sound.beat.step if sound.beat else None) == step


GOOD = bytes.fromhex("fff14c8001bffc") + bytes(6)
PADDED = GOOD + GOOD


@pytest.mark.parametrize(
    "data",
    [
        GOOD[:5],
        GOOD[:-1],
        GOOD + b"\0",
        bytes.fromhex("fff150") + GOOD[3:],  # 44.1 kHz
        bytes.fromhex("fff10c") + GOOD[3:],  # not low complexity
        GOOD[:3] + b"\x40" + GOOD[4:],  # mono
        GOOD[:6] + b"\xfd" + GOOD[7:],  # two blocks in a frame
        bytes.fromhex("fff14c8000fffc") + bytes(6),  # shorter than its own header
    ],
    ids=["head", "cut", "more", "rate", "profile", "mono", "blocks", "short"],
)
def test_what_is_no_frame_of_ours_is_refused(data: bytes) -> None:
    assert list(adts_frames(PADDED)) == [bytes(6), bytes(6)]
    with pytest.raises(BadFrames):
        list(adts_frames(PADDED + data))


async def test_what_the_encoder_leaves_is_checked_before_it_is_served(tmp_path: Path) -> None:
    plan, _ = await clips.planned(rising(tmp_path / "a.mov", "48000", "-c:a", "pcm_s16le", seconds=1), tmp_path)
    track, made, elsewhere = clips.encoded_track(plan), tmp_path / "sound.aac", tmp_path / "secret"
    elsewhere.write_bytes(GOOD * 60)
    leave: dict[str, Callable[[], object]] = {
        "no sound": lambda: made.write_bytes(b"\0" * 1000),
        "too few": lambda: made.write_bytes(GOOD * 3),
        "bytes": lambda: made.write_bytes(GOOD * 100_000),
        "cannot be read": lambda: made.symlink_to(elsewhere),
    }
    for words, act in leave.items():
        act()
        with pytest.raises(Failed, match=words):
            write_segments(plan, track, range(1), tmp_path)
        made.unlink()
    assert not list(tmp_path.glob("*.m4s"))
