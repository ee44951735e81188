"""FFmpeg's arguments for the sound of a film: pure functions; `sound` runs them and cuts what they make into segments.

Any span of segments, encoded by any process, fits its neighbours: it begins with the AAC frame after their last,
and the encoder has heard a second of what came before: both sides of a joint are windowed alike.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg

from media.ffmpeg import LEAD_SECONDS, Arguments, compiled, opened
from media.plan import Plan, Track
from media.probe import Beat
from media.timeline import AAC_FRAME, AAC_RATE

ADTS, LEVEL = "sound.aac", "level.nut"
PREROLL = 47  # AAC frames; after 16 the encoder cannot be heard to have begun anew
LOOKAHEAD = 2  # AAC frames it looks at before it decides on the last one
HOLE_SECONDS = 0.04  # less is unsteady timing, and filling it would be heard
NEAR_SAMPLES = 256  # a time that lies off the beat is moved by half as many at most


@dataclass(frozen=True)
class Stretch:
    """What is encoded for the AAC frames [first, end) of a track: everything from frame `begin` on.

    `second`: the whole second of the film, at or before it, from which on sound is resampled. Only there do 44.1 and
    48 kHz have a sample at the same moment.
    """

    first: int
    end: int

    @classmethod
    def of(cls, plan: Plan, track: Track, span: range) -> "Stretch":
        cuts = plan.timeline.audio_cuts(track.rate, track.lead, track.frames)
        return cls(cuts[span.start], cuts[span.stop])

    @property
    def begin(self) -> int:
        return max(0, self.first - PREROLL)

    @property
    def second(self) -> int:
        return self.begin * AAC_FRAME // AAC_RATE

    @property
    def samples(self) -> tuple[int, int]:
        """What the encoder is given, counted from `second`."""
        offset = self.second * AAC_RATE
        return self.begin * AAC_FRAME - offset, (self.end + LOOKAHEAD) * AAC_FRAME - offset


def audio_span(plan: Plan, track: Track, source: Path, span: range, *, levelled: bool = False) -> Arguments:
    """AAC frames for the segments `span` of a track, those of the pre-roll before them: `sound.aac`.

    `levelled`: the source is what `level_span` made of the same span.
    """
    stretch = Stretch.of(plan, track, span)
    sound = _levelled(source) if levelled else _from_second(plan, track, source, stretch, reinit_filter=0)
    # Holes and a late start become silence: an empty edit would be ignored by players.
    sound = sound.filter("aresample", AAC_RATE, **_filling())
    sound = sound.filter("aformat", sample_fmts="fltp", channel_layouts="stereo")
    if track.gain_db:
        sound = sound.filter("volume", f"{track.gain_db}dB")
    start, end = stretch.samples
    sound = sound.filter("apad").filter("atrim", start_pts=start, end_pts=end)
    options = {"c:a": "aac", "b:a": track.bitrate, "threads": 1, "f": "adts", "map_metadata": -1}
    return compiled([ffmpeg.output(sound, ADTS, **options)], 1)


def level_span(plan: Plan, track: Track, source: Path, span: range) -> Arguments:
    """The same stretch as PCM of one rate and layout: `level.nut`, for sources that change them midway.

    FFmpeg rebuilds its filters at each change, and those of `audio_span` would begin at 0 again; these have no memory.
    NUT keeps times to the sample.
    """
    stretch = Stretch.of(plan, track, span)
    sound = _from_second(plan, track, source, stretch).filter("aresample", AAC_RATE)
    sound = sound.filter("aformat", sample_fmts="flt", channel_layouts="stereo")
    sound = sound.filter("atrim", end_pts=stretch.samples[1])
    options = {"c:a": "pcm_f32le", "f": "nut", "avoid_negative_ts": "disabled", "map_metadata": -1}
    return compiled([ffmpeg.output(sound, LEVEL, **options)], 1)


def measure(plan: Plan, track: Track, source: Path) -> Arguments:
    """How loud a whole track is as stereo, by EBU R 128: the summary is on FFmpeg's stderr."""
    sound = opened(plan, source, {"threads": 1})[str(track.stream)].filter("aresample", AAC_RATE)
    sound = sound.filter("aformat", sample_fmts="fltp", channel_layouts="stereo")
    # The true peak takes as long as everything else here, and that is little beside the encoding.
    sound = sound.filter("ebur128", peak="true", framelog="verbose")
    said = compiled([ffmpeg.output(sound, "-", f="null")], 1)
    said[said.index("-loglevel") + 1] = "info"
    return ["-nostats", *said]


def _from_second(plan: Plan, track: Track, source: Path, stretch: Stretch, **options: object) -> Any:
    """Sound from the stretch's whole second on, whose time becomes 0: any rate counts its samples from there."""
    options |= {"threads": 1, "noaccurate_seek": None}
    if stretch.second > LEAD_SECONDS:  # seeking to 0 is not the beginning in every container
        options["ss"] = stretch.second - LEAD_SECONDS
    # FFmpegs disagree by milliseconds on where a Matroska starts, not on its own times.
    sound = opened(plan, source, options, own_clock=track.beat is not None)[str(track.stream)]
    return sound.filter("asetpts", _times(track.beat, stretch.second)).filter("atrim", start=0)


def _times(beat: Beat | None, second: int) -> str:
    """The time of a decoded frame: where its container says, or on the beat nearest to that."""
    if beat is None:
        return f"PTS-{second}*SR"
    # The end of a frame, not its start: the very first one lacks what the decoder needed to get going.
    parts = max(1, round(beat.step / NEAR_SAMPLES))
    at, start = (f"round({us / 1_000_000:.6f}*SR)" for us in (beat.at_us, beat.start_us + 1_000_000 * second))
    return f"{at}+round(round((PTS+NB_SAMPLES-{at})*{parts}/{beat.step})*{beat.step}/{parts})-NB_SAMPLES-{start}"


def _filling() -> dict[str, object]:
    return {"async": 1, "first_pts": 0, "min_comp": 0.00001, "min_hard_comp": HOLE_SECONDS}


def _levelled(source: Path) -> Any:
    guards = {"f": "nut", "format_whitelist": "nut", "protocol_whitelist": "file", "codec_whitelist": "pcm_f32le"}
    return ffmpeg.input(f"file:{source}", copyts=None, **guards)["0"]
