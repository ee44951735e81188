"""Which renditions a source gets."""

import re
from fractions import Fraction

import pytest

from media.ladder import LOW_AUDIO_BITRATE, instant, ladder
from media.segment import RENDITION

FILM, FAST = Fraction(24), Fraction(60)
WIDE = {"240p": (426, 240), "360p": (640, 360), "540p": (960, 540), "720p": (1280, 720), "1080p": (1920, 1080)}
CINEMA = {"240p": (426, 178), "360p": (640, 266), "540p": (960, 400), "720p": (1280, 534), "1080p": (1920, 800)}
CODED = {"240p": (424, 240), "360p": (636, 360), "540p": (952, 540), "720p": (1270, 720), "1080p": (1920, 1088)}


@pytest.mark.parametrize(
    ("size", "rungs"),
    [
        ((1920, 1080), WIDE),
        ((3840, 2160), WIDE),
        ((1080, 1920), {name: (high, wide) for name, (wide, high) in WIDE.items()}),
        ((1920, 800), CINEMA),
        ((854, 480), {"240p": (426, 240), "360p": (640, 360), "480p": (854, 480)}),
        ((1024, 576), {"240p": (426, 240), "360p": (640, 360), "540p": (960, 540)}),
        ((640, 480), {"240p": (320, 240), "360p": (480, 360), "480p": (640, 480)}),
        ((1920, 1088), CODED),
        ((426, 240), {"160p": (284, 160), "240p": (426, 240)}),
        ((320, 180), {"120p": (214, 120), "180p": (320, 180)}),
        ((161, 97), {"100p": (106, 64), "101p": (160, 96)}),
        ((16, 16), {"100p": (16, 16), "101p": (16, 16)}),
    ],
)
def test_rungs_fit_the_frame_of_their_name_and_none_exceeds_the_source(
    size: tuple[int, int], rungs: dict[str, tuple[int, int]]
) -> None:
    assert {rung.name: (rung.width, rung.height) for rung in ladder(*size, FILM)} == rungs


@pytest.mark.parametrize("size", [(16, 16), (320, 240), (640, 360), (1920, 1080), (7680, 4320), (1080, 1920)])
@pytest.mark.parametrize("rate", [FILM, FAST])
def test_the_smallest_of_at_least_two_rungs_is_for_telephones_far_from_a_mast(
    size: tuple[int, int], rate: Fraction
) -> None:
    rungs = ladder(*size, rate)
    assert len({rung.name for rung in rungs}) == len(rungs) >= 2
    sound = LOW_AUDIO_BITRATE * 9 // 8
    assert rungs[0].bandwidth + sound <= 192_000


@pytest.mark.parametrize("width", [16, 17, 90, 333, 1919, 4096, 8192])
@pytest.mark.parametrize("height", [16, 99, 241, 1081, 4320])
def test_every_rung_is_even_named_well_and_has_a_level(width: int, height: int) -> None:
    for rung in ladder(width, height, FAST):
        assert rung.width % 2 == rung.height % 2 == 0
        assert rung.width <= max(width, 2)
        assert rung.height <= max(height, 2)
        assert re.fullmatch(RENDITION, rung.name)


def test_the_codec_is_known_before_anything_is_encoded() -> None:
    assert {rung.name: rung.codecs for rung in ladder(1920, 1080, FILM)} == {
        "240p": "avc1.640015",
        "360p": "avc1.64001e",
        "540p": "avc1.64001f",
        "720p": "avc1.64001f",
        "1080p": "avc1.640028",
    }
    assert ladder(1920, 1080, FAST)[-1].codecs == "avc1.64002a"


def test_the_instant_rung_is_360p_or_the_one_above_the_smallest() -> None:
    assert instant(ladder(1920, 1080, FILM)).name == "360p"
    assert instant(ladder(426, 240, FILM)).name == "240p"


def test_fast_films_get_more_bits() -> None:
    slow, fast = ladder(640, 360, FILM)[-1], ladder(640, 360, FAST)[-1]
    assert fast.maxrate == slow.maxrate * 3 // 2
