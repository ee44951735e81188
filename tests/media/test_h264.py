"""What H.264 says of itself, on what a real encoder wrote."""

from fractions import Fraction
from pathlib import Path

import pytest

from media import h264
from media.bmff import BadBox
from media.boxes import read_init, read_media
from tests import films

HIGH = ("-profile:v", "high")
MADE = [
    ("320x180", "yuv420p", HIGH, (100, 320, 180, True, (1, 1), 2)),
    ("1920x1080", "yuv420p", ("-profile:v", "baseline"), (66, 1920, 1080, True, (1, 1), 2)),
    ("322x182", "yuv420p", ("-profile:v", "main"), (77, 322, 182, True, (1, 1), 2)),
    ("352x288", "yuv420p", (*HIGH, "-vf", "setsar=16/11"), (100, 352, 288, True, (16, 11), 2)),
    ("352x288", "yuv420p", (*HIGH, "-vf", "setsar=37/11"), (100, 352, 288, True, (37, 11), 2)),
    ("720x576", "yuv420p", (*HIGH, "-flags", "+ildct+ilme"), (100, 720, 576, False, (1, 1), 2)),
    ("720x488", "yuv420p", (*HIGH, "-flags", "+ildct+ilme"), (100, 720, 488, False, (1, 1), 2)),
    ("320x180", "yuv420p", (*HIGH, "-x264-params", "transfer=smpte2084"), (100, 320, 180, True, (1, 1), 16)),
    ("320x180", "yuv420p", (*HIGH, "-x264-params", "cqm=jvt"), (100, 320, 180, True, (1, 1), 2)),
]  # fmt: skip


def made(folder: Path, size: str, pixels: str, options: tuple[str, ...]) -> tuple[h264.Record, Path]:
    """A second of H.264 as a segment; gives its avcC and the file."""
    films.ffmpeg(
        *("-f", "lavfi", "-i", f"testsrc2=size={size}:rate=25:duration=0.4", "-c:v", "libx264", "-pix_fmt", pixels),
        *(*options, "-f", "hls", "-hls_segment_type", "fmp4", "-hls_segment_filename", str(folder / "%d.m4s")),
        str(folder / "list.m3u8"),
    )
    return h264.read_record(read_init((folder / "init.mp4").read_bytes()).entry.config), folder / "0.m4s"


@pytest.mark.parametrize(("size", "pixels", "options", "wanted"), MADE)
def test_parameter_sets_say_what_was_encoded(
    size: str, pixels: str, options: tuple[str, ...], wanted: tuple[object, ...], tmp_path: Path
) -> None:
    record, segment = made(tmp_path, size, pixels, options)
    (sps,) = record.sequences
    found = h264.read_parameters(sps)
    assert (found.profile, found.width, found.height, found.progressive, found.aspect, found.transfer) == wanted
    assert (found.chroma, found.bits, record.head[0], record.head[2]) == (1, 8, found.profile, found.level)
    media = read_media(segment)
    assert h264.first_slice(segment.read_bytes()[media.data_at :], record.length_size) == h264.IDR


def test_other_formats_are_told_apart(tmp_path: Path) -> None:
    record, _ = made(tmp_path, "320x180", "yuv444p", ("-profile:v", "high444"))
    assert h264.read_parameters(record.sequences[0]).chroma == 3


def test_a_level_bounds_size_and_rate() -> None:
    hd = h264.Parameters(100, 40, 1, 8, 1920, 1080, progressive=True)
    assert hd.fits(40, Fraction(30))
    assert not hd.fits(40, Fraction(60))
    assert not hd.fits(32, Fraction(24))
    assert not hd.fits(99, Fraction(1))


@pytest.mark.parametrize("cut", range(11))
def test_a_parameter_set_that_ends_early_is_said_so(cut: int) -> None:
    record = bytes.fromhex("0164000cffe1001a6764000cacd941419f9f011000000300100000030320f14299600100")
    with pytest.raises(BadBox):
        h264.read_parameters(record[8 : 8 + cut])


@pytest.mark.parametrize(
    "avcc", ["", "01", "0264000cffe10000", "0164000cffe1001a6764", "0164000cffe0", "0164000cffe001"]
)
def test_a_record_that_ends_early_is_said_so(avcc: str) -> None:
    with pytest.raises(BadBox):
        h264.read_record(bytes.fromhex(avcc))


@pytest.mark.parametrize(
    ("sample", "kind"),
    [
        ("", 0),
        ("00000002 0910 00000002 6588", 5),  # a delimiter, then an IDR slice
        ("00000003 060500 00000002 4188", 1),
        ("00000002 0910", 0),
        ("ffffffff 0910 00000002 6588", 0),
    ],
)
def test_the_first_slice_is_found_behind_what_comes_before_it(sample: str, kind: int) -> None:
    assert h264.first_slice(bytes.fromhex(sample), 4) == kind


PLAIN = [
    (("320x180", "yuv420p", HIGH), 25, True),
    (("320x180", "yuv420p", (*HIGH, "-level", "1.2")), 60, False),  # as cameras do: the level is too low for the rate
    (("320x180", "yuv420p", (*HIGH, "-vf", "setsar=4/3")), 25, False),
    (("320x180", "yuv420p", (*HIGH, "-flags", "+ildct+ilme")), 25, False),
    (("320x180", "yuv420p", (*HIGH, "-x264-params", "transfer=smpte2084")), 25, False),
    (("320x180", "yuv444p", ("-profile:v", "high444")), 25, False),
]


@pytest.mark.parametrize(("options", "rate", "plain"), PLAIN)
def test_only_ordinary_pictures_that_tell_the_truth_stand_beside_ours(
    options: tuple[str, str, tuple[str, ...]], rate: int, plain: bool, tmp_path: Path
) -> None:
    made(tmp_path, *options)
    avcc = read_init((tmp_path / "init.mp4").read_bytes()).entry.config
    assert h264.is_plain(avcc, (320, 180), Fraction(rate)) == plain
    assert not h264.is_plain(avcc, (320, 184), Fraction(rate))
    assert not h264.is_plain(avcc[:9], (320, 180), Fraction(rate))
