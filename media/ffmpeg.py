"""Plan -> FFmpeg argument list: pure functions, one per kind of work. `encoder` runs them.

ffmpeg-python builds the lists (it sorts options by name) and never runs anything. Output names are relative to the
folder the encoder runs in. The recipe makes any span of segments, made by any process, fit its neighbours without
stitching: absolute timestamps, identical init segments. It needs FFmpeg 5.1 or newer.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import ffmpeg

from media.formats import MAX_PIXELS, MAX_STREAMS, decoders
from media.ladder import Rung
from media.plan import Plan
from media.probe import SourceInfo

# Decoding starts this long before a span: past reordering and gradual refresh, cheap enough for a held viewer.
LEAD_SECONDS = 2
# No picture that is shown after a key picture of these needs one from before it. H.264 and HEVC may refresh gradually,
# and AV1 has key pictures that are shown later.
FRESH_AT_KEYS = ("vp8", "vp9", "mpeg1video", "mpeg2video")
# CPU of encoding a pixel over that of decoding one: 2.3 to 2.9 by perf, of x264 veryfast and a camera's 18 Mbit/s.
ENCODING = 3
INIT = "init.mp4"
COPY = "film.mkv"
# Samples in packets of any size: they get a beat, for Matroska rounds their times (see `beat`).
BARE = [f"pcm_{form}" for form in ("u8", "s16le", "s16be", "s24le", "s24be", "s32le", "f32le", "alaw", "mulaw")]

GLOBAL = ["-nostdin", "-hide_banner", "-loglevel", "error", "-y", "-progress", "pipe:1", "-stats_period", "0.5"]
Arguments = list[str]


def video(plan: Plan, rungs: Sequence[Rung], source: Path, span: range, threads: int) -> Arguments:
    """The segments `span` of `rungs` from one decode: `<rung>/<index>.m4s` and `<rung>/init.mp4`.

    Every rung is scaled from the whole picture: one from the next would save 2 % of the CPU, and the pixels of a rung
    would depend on which others are made beside it.
    """
    timeline = plan.timeline
    start = timeline.start(span.start)
    decoder, encoders = divided(threads, plan, rungs)
    picture = pictures(plan, source, lead_in(plan, start), decoder)
    picture = picture.filter("fps", str(timeline.rate), start_time=decimal(start))
    # The last picture stays on for as long as the plan says, should the source end a frame early.
    picture = picture.filter("tpad", stop=-1, stop_mode="clone")
    largest = max(rungs, key=lambda rung: rung.height)
    copies = bt709(picture, plan, largest.width, largest.height).filter_multi_output("split", len(rungs))
    place: dict[str, object] = {
        "frames:v": timeline.frames_in(span.start, span.stop),
        "start_number": span.start,
        # frag_discont keeps decode times absolute; without it every process would begin at 0.
        "hls_segment_options": f"movflags=+frag_discont:video_track_timescale={timescale(timeline.rate)}",
    }
    outputs = [
        _hls(_sized(copies[n], rung), rung.name, timeline.segment_seconds, _x264(plan, rung, share) | place)
        for n, (rung, share) in enumerate(zip(rungs, encoders, strict=True))
    ]
    return compiled(outputs, _filtering(threads, plan))


def sample(plan: Plan, rungs: Sequence[Rung], source: Path, start: float, threads: int) -> Arguments:
    """Two seconds of a film in the sizes of `rungs`, as bare H.264 without a cap: `<start>-<rung>.h264`."""
    rate = plan.timeline.rate
    decoder, encoders = divided(threads, plan, rungs)
    picture = pictures(plan, source, lead_in(plan, Fraction(start)), decoder)
    picture = picture.filter("fps", str(rate), start_time=f"{start:.3f}")
    largest = max(rungs, key=lambda rung: rung.height)
    copies = bt709(picture, plan, largest.width, largest.height).filter_multi_output("split", len(rungs))
    options = {"c:v": "libx264", "preset": "veryfast", "f": "h264", "frames:v": 2 * round(rate)}
    outputs = [
        ffmpeg.output(_sized(copies[n], rung), f"{start:.3f}-{rung.name}.h264", crf=rung.crf, threads=share, **options)
        for n, (rung, share) in enumerate(zip(rungs, encoders, strict=True))
    ]
    return compiled(outputs, _filtering(threads, plan))


def divided(threads: int, plan: Plan, rungs: Sequence[Rung]) -> tuple[int, list[int]]:
    """Threads of the decoder and of each encoder: their part of the work, and half as many again.

    FFmpeg (from 7.0 on) runs them beside each other, so `threads` for each of them is six times too many. Measured for
    a 1080p ladder on two cores: 3 % less CPU, 50 MB less memory and half of the thread switches, while two threads or
    more are ready to run 99 % of the time. Without the half more it is 87 %: all others wait for the largest encoder.

    A rung alone is what a viewer waits for: where decoding is cheap, its encoder has 60 % of the work.
    """
    works = [plan.coded[0] * plan.coded[1], *(ENCODING * rung.width * rung.height for rung in rungs)]
    least = 2 if len(rungs) == 1 else 1
    decoder, *encoders = (min(threads, math.ceil(1.5 * threads * work / sum(works))) for work in works)
    return decoder, [min(threads, max(least, share)) for share in encoders]


def _filtering(threads: int, plan: Plan) -> int:
    """Threads of the filters: scaling is a twentieth of the work; tone mapping and deinterlacing are much of it."""
    return threads if plan.interlaced or plan.colour in ("pq", "hlg") else 1


def copy(info: SourceInfo, source: Path, *, seconds: int = 0, decode_sound: bool = False) -> Arguments:
    """Packets of the chosen tracks into Matroska (`film.mkv`), whose index leads to any picture exactly.

    `seconds`: only of the beginning; the packets are those of the whole copy, their times too.

    It holds nearly every codec, and its timestamps are those of the pictures; AVI and MPEG streams have neither.
    `decode_sound` makes FLAC of the sound: damaged packets then cost a moment of silence, not the film.
    """
    part = {"t": seconds} if seconds else {}
    film = ffmpeg.input(f"file:{source}", fflags="+genpts+discardcorrupt", **part, **_guards(info.container))
    streams = [film[str(number)] for number in (info.picture.stream, *(sound.stream for sound in info.sounds))]
    options = {"c:v": "copy", "c:a": "flac" if decode_sound else "copy", "f": "matroska"}
    for number, sound in enumerate(info.sounds):
        if sound.codec in BARE and not decode_sound:
            options |= {f"c:a:{number}": sound.codec, f"filter:a:{number}": "asetnsamples=n=1024:p=0"}
    return compiled([ffmpeg.output(*streams, COPY, **options)], 1)


def _guards(demuxer: str) -> dict[str, object]:
    """What a stranger's file may make FFmpeg do: be read by one demuxer, from one local file, within bounds."""
    return {
        "f": demuxer,
        "format_whitelist": demuxer,
        "protocol_whitelist": "file",
        "codec_whitelist": decoders(),
        "max_streams": MAX_STREAMS,
        "max_pixels": MAX_PIXELS,
    }


def opened(plan: Plan, source: Path, options: dict[str, object], *, own_clock: bool = False) -> Any:
    """A film as FFmpeg is to read it; `own_clock`: with the times of the file, not counted from the film's start."""
    clock = {"copyts": None} if own_clock else {"copyts": None, "start_at_zero": None}
    return ffmpeg.input(f"file:{source}", **_guards(plan.demuxer), **clock, **options)


def lead_in(plan: Plan, start: Fraction) -> Fraction:
    """What to seek to for every picture from `start` on; 0 is the beginning.

    A seek leads to the last key picture before. Two seconds early is far enough for all codecs, and costs a held viewer
    a third of the decoding, or twice of it with keys as rare as WebM's; Matroska leads to keys by when they are shown,
    and of some codecs none earlier is needed. Deinterlacing has to see what was shown before.
    """
    if start <= LEAD_SECONDS:  # seeking to 0 is not the beginning in every container
        return Fraction(0)
    exact = plan.demuxer == "matroska" and plan.stream == 0  # another track's key pictures would be found
    if exact and plan.codec in FRESH_AT_KEYS and not plan.interlaced:
        # What is shown less than half a frame late is on the grid's place too, as `fps` rounds.
        return start + Fraction(2, 5) / plan.timeline.rate
    return start - LEAD_SECONDS


def pictures(plan: Plan, source: Path, after: Fraction, threads: int) -> Any:
    """Pictures from the last key picture before `after` on; rotation is applied by FFmpeg itself."""
    # noaccurate_seek leaves choosing pictures to `fps`. A source that changes its size midway must not restart the
    # filters, which would begin at the span's start again; `scale` copes with it.
    options: dict[str, object] = {"threads": threads, "noaccurate_seek": None, "reinit_filter": 0}
    if after > 0:
        options["ss"] = decimal(after)
    picture = opened(plan, source, options)[str(plan.stream)]
    if plan.interlaced:
        # bwdif does not cope with another size; for pictures of the first one this `scale` does nothing.
        picture = picture.filter("scale", *plan.coded, interl=-1)
        picture = picture.filter("bwdif", mode="send_field", deint="interlaced")
    return picture


def bt709(picture: Any, plan: Plan, width: int, height: int) -> Any:
    """HDR and RGB to BT.709 in video range; other pictures keep the colours they were tagged with."""
    if plan.colour == "sdr":
        return picture
    if plan.colour == "rgb":
        return picture.filter("scale", out_color_matrix="bt709", out_range="tv").filter("format", "yuv420p")
    transfer = {"pq": "smpte2084", "hlg": "arib-std-b67"}[plan.colour]
    # Scaled first: tone mapping is in floating point and slow.
    picture = picture.filter("scale", width, height).filter("format", "yuv420p10le")
    picture = picture.filter("zscale", tin=transfer, pin="2020", min="2020_ncl", t="linear", npl=100)
    picture = picture.filter("format", "gbrpf32le").filter("zscale", p="709").filter("tonemap", "hable", desat=0)
    return picture.filter("zscale", t="709", m="709", r="tv").filter("format", "yuv420p")


def _sized(picture: Any, rung: Rung) -> Any:
    # 10-bit and 4:4:4 would reach browsers that cannot decode them; full range would be shown washed out.
    return (
        picture.filter("scale", rung.width, rung.height, out_range="tv").filter("setsar", 1).filter("format", "yuv420p")
    )


def _x264(plan: Plan, rung: Rung, threads: int) -> dict[str, object]:
    rate, gop = plan.timeline.rate, plan.timeline.gop
    return {
        "c:v": "libx264",
        "preset": "veryfast",
        "profile:v": "high",
        "level:v": f"{rung.level // 10}.{rung.level % 10}",
        "crf": rung.crf,
        "maxrate": rung.maxrate,
        "bufsize": rung.bufsize,
        # An IDR every GOP and nowhere else, whatever the scene does; none may refer across (Apple 1.13, 7.4).
        "g": gop,
        "keyint_min": gop,
        "sc_threshold": 0,
        "flags": "+cgop",
        # Frame numbers are times: no rounding, no dropping, no doubling after the fps filter.
        "fps_mode": "passthrough",
        "enc_time_base": f"{rate.denominator}:{rate.numerator}",
        "threads": threads,
    }


def timescale(rate: Fraction) -> int:
    """Ticks a second of a video track: a frame is a whole number of them."""
    return rate.numerator if rate.denominator > 1 else rate.numerator * 1000


def _hls(stream: Any, folder: str, seconds: Fraction, options: dict[str, Any]) -> Any:
    """One rendition, one muxer: FFmpeg's own multi-variant mode names and bundles things its own way."""
    return ffmpeg.output(
        stream,
        f"{folder}/list.m3u8",  # FFmpeg insists on a playlist; ours come from `playlist`
        f="hls",
        hls_time=decimal(seconds),
        hls_segment_type="fmp4",
        hls_playlist_type="vod",
        hls_flags="temp_file",  # a segment has its name only when it is whole
        hls_fmp4_init_filename=INIT,
        hls_segment_filename=f"{folder}/%d.m4s",
        # Otherwise the init segment begins with an empty edit that browsers ignore: sound would lead the picture.
        avoid_negative_ts="disabled",
        map_metadata=-1,
        map_chapters=-1,
        **options,
    )


def compiled(outputs: list[Any], threads: int) -> Arguments:
    arguments: Arguments = ffmpeg.merge_outputs(*outputs).compile(cmd=["ffmpeg"])
    return [*GLOBAL, "-filter_complex_threads", str(threads), *arguments[1:]]


def decimal(seconds: Fraction) -> str:
    """Seconds to the microsecond, FFmpeg's own unit."""
    return f"{float(seconds):.6f}".rstrip("0").rstrip(".")
