"""Batch units that look at a film before it is encoded: how hard its pictures are, how loud its sound is."""

from dataclasses import replace
from pathlib import Path

import msgspec
import structlog

from api.clients import NewUnit, Opens, Unit
from media import copying, ffmpeg, h264, sound, survey
from media.encoder import Failed, encode, limits_for
from media.ladder import Rung
from media.plan import SOURCE, Plan, Track, from_document, levelled
from workers.probe import SOUND_STEADY, sounds, spans
from workers.shop import Done, Progress, Shop

log = structlog.get_logger()

HARD_LINES = 720  # the larger of the two sizes that are tried
GENEROUS = 1.5  # a source may cost so much more than its rung's cap and still be served as it is
LEAST_GAIN_DB = 1.0  # less is not worth encoding a track again


async def survey_pictures(shop: Shop, unit: Unit, progress: Progress) -> Done:
    """Adapt the ladder to the film and let it be encoded; decide whether the source stays its highest rendition."""
    plan, source = from_document(unit.plan), shop.source(unit, from_document(unit.plan))
    rungs = plan.rungs
    try:
        samples = await _samples(shop, unit, plan, source)
        if samples:
            rungs = survey.adapt(rungs, samples, "" if plan.copy else plan.instant)
    except Failed as failed:
        # The ladder as it stands is good; if the film cannot be decoded, its units will say so.
        log.warning("survey.failed", video=unit.video_id, code=failed.code, reason=failed.message)
    kept = await _keeps(plan, source)
    if kept and plan.copy is not None:
        size = plan.copy.width * plan.copy.height
        rungs = [rung for rung in rungs if rung.width * rung.height < size * 0.97] or rungs[:1]
    adopt = [*(rung.name for rung in plan.rungs), *([SOURCE] if kept else [])]
    patch = {"rungs": msgspec.to_builtins(rungs), "kept": kept}
    return Done({"kept": kept, "rungs": [rung.name for rung in rungs]}, Opens(plan=patch, adopt=adopt))


async def _keeps(plan: Plan, source: Path) -> bool:
    """Whether the source's own pictures fit the grid exactly and cost no more than they should."""
    told = plan.copy
    if told is None or not told.aligned:
        return False
    top = plan.rungs[-1]
    cap = top.maxrate * max(1.0, told.width * told.height / (top.width * top.height)) * GENEROUS
    if told.average_bandwidth > cap or told.bandwidth > 2 * cap:
        return False
    # Encoders of cameras may tell a level that is too low, and the gate would refuse the whole film for it.
    if not h264.is_plain(bytes.fromhex(told.avcc), (told.width, told.height), plan.timeline.rate):
        return False
    return await copying.scan(plan, source)


async def _samples(shop: Shop, unit: Unit, plan: Plan, source: Path) -> list[survey.Sample]:
    """Bit/s of two sizes of the film, from a few seconds of it."""
    starts = survey.sample_starts(float(plan.timeline.seconds))
    sizes = sizes_of(plan)
    with shop.scratch(unit) as scratch:
        for start in starts:
            arguments = ffmpeg.sample(plan, sizes, source, start, shop.threads)
            limits = limits_for(survey.SAMPLE_SECONDS + 10, plan.width * plan.height)
            await encode(shop.ffmpeg, arguments, source, scratch, limits=limits)
        seconds = survey.SAMPLE_SECONDS * len(starts)
        return [
            survey.Sample(rung.width * rung.height, 8 * made / seconds)
            for rung in sizes
            if (made := sum(path.stat().st_size for path in scratch.glob(f"*-{rung.name}.h264")))
        ]


def sizes_of(plan: Plan) -> list[Rung]:
    """The rung that plays first, and one about twice as high if there is one."""
    low = next((rung for rung in plan.rungs if rung.name == "360p"), plan.rungs[-1])
    higher = [rung for rung in plan.rungs if rung.height * rung.width > low.height * low.width]
    high = min(higher, key=lambda rung: abs(rung.height - HARD_LINES), default=None)
    return [replace(rung, crf=survey.SAMPLE_CRF) for rung in (low, high) if rung is not None]


async def survey_sound(shop: Shop, unit: Unit, progress: Progress) -> Done:
    """Measure every track once; open levelled tracks where it is worth it, and those of the smallest rung."""
    plan = from_document(unit.plan)
    source, wanted = shop.source(unit, plan), unit.level
    measured: list[dict[str, object]] = []
    gains: list[float | None] = []
    own = plan.tracks_of("audio")
    limits = limits_for(float(plan.timeline.seconds), plan.width * plan.height)
    for number, track in enumerate(own):

        def reach(seconds: float, before: float = number * float(plan.timeline.seconds)) -> None:
            progress.reach(before + seconds)

        heard = await sound.loudness(plan, track, source, binary=shop.ffmpeg, limits=limits, on_seconds=reach)
        gain = sound.gain(heard)
        gains.append(gain if wanted and abs(gain) >= LEAST_GAIN_DB else None)
        said = {"lufs": None, "peak_db": None} if heard is None else {"lufs": heard.lufs, "peak_db": heard.peak_db}
        measured.append({"track": track.name, **said, "gain_db": gain})
    tracks = levelled(plan, gains)
    new = tracks[len(own) :]
    opens = Opens(
        plan={"tracks": msgspec.to_builtins(tracks)},
        renditions=list(sounds(new)),
        units=[unit for track in new for unit in _units(track, plan.segments)],
        adopt=[track.name for track in tracks[: len(own)] if track.group == "audio"],
    )
    return Done({"loudness": measured}, opens)


def _units(track: Track, segments: int) -> list[NewUnit]:
    tiles = spans(segments, (), SOUND_STEADY)
    return [NewUnit("audio", "batch", [track.name], first, end, n) for n, (first, end) in enumerate(tiles, 1)]
