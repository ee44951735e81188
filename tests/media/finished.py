"""A finished film for the gate: nine seconds of everything a generation may hold, made once by real FFmpeg."""

import dataclasses
import shutil
from pathlib import Path

import av
import msgspec

from media import captions, chapters, cmaf, playlist, trick, webvtt
from media.copying import copy_picture
from media.film import Film, measure, read_film
from media.plan import SOURCE, Plan, Track, make_plan
from media.probe import Chapter, probe
from tests import films
from tests.media import clips

CAPTIONS = "WEBVTT\n\n00:01.000 --> 00:03.500\nHello\n\n00:08.000 --> 00:08.500\nBye\n"


async def finished(folder: Path) -> Film:
    """Three variants (the largest is the source's own), two languages in two groups, captions, I-frames, chapters."""
    source = clips.numbered(
        folder / "a.mp4",
        9,
        *("-vf", "scale=640:360,setsar=1", "-c:v", "libx264", "-g", "50", "-keyint_min", "50", "-sc_threshold", "0"),
    )
    plan = _plan(make_plan(await probe(source), copied=False))
    (made,) = await clips.encoded(plan, source, folder / "out", [(0, plan.segments)])
    await copy_picture(plan, source, range(plan.segments), made)
    for track in plan.tracks:
        _sound(folder, made / track.name, plan, track)
    for name in [*plan.videos, *(track.name for track in plan.tracks)]:
        for path in (made / name).glob("*.m4s"):
            path.rename(path.with_name(plan.timeline.segment(int(path.stem)).name))
    extras = beside(made, plan)
    return published(read_film(made, plan), extras)


def _plan(plan: Plan) -> Plan:
    """With the source kept, and four tracks: 44.1 kHz and 48 kHz in both groups."""
    assert plan.copy is not None
    tracks = [
        Track(
            f"audio-{number}", 1, language, "", plan.timeline.audio_frames(rate, 1024),
            group="low" if number > 1 else "audio", rate=rate, bitrate=48_000, flags=flags,
        )
        for number, (language, rate, flags) in enumerate(
            [("en", 44100, []), ("fr", 48000, ["descriptive"]), ("en", 48000, []), ("fr", 48000, ["descriptive"])]
        )
    ]  # fmt: skip
    return msgspec.structs.replace(plan, kept=True, tracks=tracks, chapters=[Chapter(0, 9000, "All", "en")])


def _sound(folder: Path, out: Path, plan: Plan, track: Track) -> None:
    """A tone as AAC frames of the track's rate, cut as the plan says."""
    films.ffmpeg(
        *("-f", "lavfi", "-i", f"anoisesrc=duration=10:sample_rate={track.rate}:amplitude=0.1"),
        *("-c:a", "aac", "-ac", "2", "-b:a", str(track.bitrate), str(folder / "tone.m4a")),
    )
    with av.open(str(folder / "tone.m4a")) as tone:
        config = bytes(tone.streams.audio[0].codec_context.extradata or b"")
        frames = [bytes(packet) for packet in tone.demux(audio=0) if packet.size]
    out.mkdir(parents=True)
    (out / "init.mp4").write_bytes(cmaf.audio_init(config, 2, track.rate, track.lead))
    at = 0
    for index, count in enumerate(plan.samples(track.name)):
        samples = [cmaf.Sample(frame, 1024) for frame in frames[at : at + count]]
        (out / f"{index}.m4s").write_bytes(cmaf.segment(index + 1, at * 1024, samples))
        at += count


def beside(folder: Path, plan: Plan) -> playlist.Extras:
    """Captions, I-frames and chapters below a generation."""
    texts = captions.publish_captions(folder, plan, [webvtt.Captions("en", "English", True, 1, CAPTIONS)])
    iframes = [trick.write_iframes(folder, rung.name, f"iframes-{n}", plan) for n, rung in enumerate(plan.rungs)]
    playlist.publish(folder / playlist.CHAPTERS, chapters.apple_json(plan.chapters))
    return playlist.Extras(texts, iframes, chapters=True)


def published(film: Film, extras: playlist.Extras = playlist.NONE) -> Film:
    """With the playlists that its measures give."""
    videos, sounds = [measure(film, track) for track in film.videos], [measure(film, track) for track in film.sounds]
    texts = {track.name: playlist.media(film.plan, track.name) for track in film.tracks}
    return dataclasses.replace(
        film, multivariant=playlist.multivariant(film.plan, videos, sounds, extras), playlists=texts
    )


def moved(film: Film, folder: Path) -> Film:
    """The same film on a disk of its own, to be spoiled there."""
    assert film.folder is not None
    shutil.copytree(film.folder, folder)
    again = read_film(folder, film.plan)
    return dataclasses.replace(again, multivariant=film.multivariant, playlists=film.playlists)


def again(film: Film) -> Film:
    """Read once more from disk."""
    assert film.folder is not None
    read = read_film(film.folder, film.plan)
    return dataclasses.replace(read, multivariant=film.multivariant, playlists=film.playlists)


__all__ = ["SOURCE", "again", "finished", "moved", "published"]
