"""The gate: a good film passes every rule, and each rule catches what it is there for."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from media import conformance, playlist
from media.boxes import BadBox, boxes, read_init, read_media
from media.film import Film, Track, measure, read_film
from tests.media import clips


@pytest.fixture(scope="module")
async def film(tmp_path_factory: pytest.TempPathFactory) -> Film:
    """Nine seconds in two rungs with sound, as the finish unit would read it."""
    folder = tmp_path_factory.mktemp("film")
    options = ("-vf", "scale=426:360,setsar=1", "-c:v", "libx264", "-preset", "veryfast")
    plan, source = await clips.planned(clips.numbered(folder / "a.mp4", 9, *options), folder)
    (made,) = await clips.encoded(plan, source, folder / "out", [(0, 3)])
    sound = await clips.sounded(plan, source, made)
    for path in [
        *clips.parts([made], plan.rungs[0].name),
        *clips.parts([made], plan.rungs[1].name),
        *sound.glob("*.m4s"),
    ]:
        path.rename(path.with_name(plan.timeline.segment(int(path.stem)).name))
    return published(read_film(made, plan))


def published(film: Film) -> Film:
    videos, sounds = [measure(film, track) for track in film.videos], [measure(film, track) for track in film.sounds]
    texts = {track.name: playlist.media(film.plan, track.name) for track in film.tracks}
    return replace(film, multivariant=playlist.multivariant(film.plan, videos, sounds), playlists=texts)


def test_a_good_film_has_no_findings(film: Film) -> None:
    assert conformance.check(film) == []
    report = conformance.report(film, [])
    assert report["rules"] == sorted(conformance.RULES)
    assert [rendition["name"] for rendition in report["renditions"]] == ["240p", "360p", "audio-0"]


def video(film: Film, change: Callable[[Track], Track]) -> Film:
    return replace(film, videos=[change(film.videos[0]), *film.videos[1:]])


def sound(film: Film, change: Callable[[Track], Track]) -> Film:
    return replace(film, sounds=[change(film.sounds[0])])


def second(**change: Any) -> Callable[[Track], Track]:
    return lambda track: replace(track, media=[track.media[0], replace(track.media[1], **change), *track.media[2:]])


def init(**change: Any) -> Callable[[Track], Track]:
    return lambda track: replace(track, init=replace(track.init, **change))


def text(old: str, new: str) -> Callable[[Film], Film]:
    def change(film: Film) -> Film:
        return replace(film, playlists=film.playlists | {"240p": film.playlists["240p"].replace(old, new)})

    return change


def master(old: str, new: str) -> Callable[[Film], Film]:
    return lambda film: replace(film, multivariant=film.multivariant.replace(old, new))


def louder(film: Film) -> Film:
    return sound(film, lambda track: replace(track, sizes=[size * 20 for size in track.sizes]))


BROKEN: list[tuple[str, Callable[[Film], Film]]] = [
    ("PLAN-samples", lambda film: video(film, second(samples=99))),
    ("PLAN-samples", lambda film: sound(film, second(samples=1))),
    ("APL-7.3", lambda film: video(film, second(decode_time=1))),
    ("APL-7.4", lambda film: video(film, second(starts_with_sync=False))),
    ("RFC-PT-VOD", lambda film: video(film, init(edits=((83, -1), (0, 2000))))),
    ("RFC-PT-VOD", lambda film: sound(film, init(edits=()))),
    ("APL-8.2", lambda film: sound(film, second(duration=1))),
    ("APL-8.7", text("1-4000-8000", "1-4000-8001")),
    ("APL-8.1", text("#EXTINF:4.000000", "#EXTINF:4.041000")),
    ("RFC-TD", text("#EXTINF:4.000000", "#EXTINF:4.600000")),
    ("RFC-TD", text("TARGETDURATION:4", "TARGETDURATION:3")),
    ("APL-8.20", text('#EXT-X-MAP:URI="init.mp4"\n', "")),
    ("APL-8.20", text("#EXT-X-ENDLIST", "")),
    ("RFC-M3U", text("#EXTM3U\n", "\n#EXTM3U\n")),
    ("RFC-M3U", master("#EXT-X-INDEPENDENT-SEGMENTS\n", "")),
    ("APL-1.27", louder),
    ("APL-1.27", master(":BANDWIDTH=", ":BANDWIDTH=9")),
    ("APL-1.26", master("AVERAGE-BANDWIDTH=", "AVERAGE=")),
    ("APL-9.1", master("mp4a.40.2", "mp4a.40.5")),
    ("APL-9.1", lambda film: published(video(film, init(codec="avc1.42c01e")))),
    ("APL-9.2", master("RESOLUTION=", "SIZE=")),
    ("APL-9.2", lambda film: replace(film, multivariant="#EXTM3U\n")),
    ("APL-9.15", master("FRAME-RATE=25.000", "FRAME-RATE=30.000")),
    ("RFC-MEDIA", master(',AUDIO="audio"', "")),
    ("RFC-MEDIA", master("DEFAULT=YES", "DEFAULT=NO")),
    ("RFC-MEDIA", master(',LANGUAGE="und"', "")),
]


@pytest.mark.parametrize(("rule", "spoil"), BROKEN, ids=[f"{n}-{rule}" for n, (rule, _) in enumerate(BROKEN)])
def test_each_rule_catches_what_it_is_there_for(film: Film, rule: str, spoil: Callable[[Film], Film]) -> None:
    assert rule in {finding["rule"] for finding in conformance.check(spoil(film))}


def test_every_rule_is_tried() -> None:
    assert {rule for rule, _ in BROKEN} == set(conformance.RULES)


@pytest.mark.parametrize("rule", conformance.RULES.values(), ids=conformance.RULES.keys())
def test_every_rule_says_what_it_wants(rule: conformance.Rule) -> None:
    assert rule.__doc__


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\0\0\1",
        b"\0\0\0\4moof",
        b"\0\0\0\x0cmoof\xff\xff\xff\xff",
        b"\0\0\0\x18moof\0\0\0\x10traf\0\0\0\x08trun",
    ],
)
def test_what_is_no_segment_is_said_so(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "0-0-4000.m4s"
    path.write_bytes(content)
    with pytest.raises(BadBox):
        read_media(path)
    with pytest.raises(BadBox):
        read_init(content)


def test_a_box_may_have_a_long_size_but_not_a_wrong_one() -> None:
    assert list(boxes(b"\0\0\0\1free" + (18).to_bytes(8, "big") + b"ab")) == [(b"free", b"ab")]
    with pytest.raises(BadBox):
        list(boxes(b"\0\0\0\1free" + (19).to_bytes(8, "big") + b"ab"))
