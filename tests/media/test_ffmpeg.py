"""Golden argument lists: what FFmpeg is told, word for word."""

from fractions import Fraction
from pathlib import Path

import msgspec
import pytest

from media import ffmpeg, ffmpeg_sound, stills
from media.formats import decoders
from media.ladder import Rung
from media.plan import Plan, Track
from media.probe import Beat, Picture, Sound, SourceInfo
from tests.media.test_playlist import plan

SOURCE = Path("/sources/ab")


def command(arguments: list[str]) -> str:
    return " ".join(arguments).replace(decoders(), "DECODERS")


def changed(**fields: object) -> Plan:
    return msgspec.structs.replace(plan(), **fields)


def track(**fields: object) -> Track:
    return msgspec.structs.replace(plan().tracks[0], **fields)


def rung(name: str) -> Rung:
    return next(rung for rung in plan().rungs if rung.name == name)


def test_a_span_of_two_rungs_is_one_decode() -> None:
    said = command(ffmpeg.video(plan(), [rung("360p"), rung("720p")], SOURCE, range(1, 3), 2))
    x264 = (
        "-f hls -avoid_negative_ts disabled -bufsize {bufsize} -c:v libx264 -crf {crf} -enc_time_base 1001:30000 "
        "-flags +cgop -fps_mode passthrough -frames:v 130 -g 60 -hls_flags temp_file "
        "-hls_fmp4_init_filename init.mp4 -hls_playlist_type vod -hls_segment_filename {name}/%d.m4s "
        "-hls_segment_options movflags=+frag_discont:video_track_timescale=30000 -hls_segment_type fmp4 "
        "-hls_time 4.004 -keyint_min 60 -level:v {level} -map_chapters -1 -map_metadata -1 -maxrate {maxrate} "
        "-preset veryfast -profile:v high -sc_threshold 0 -start_number 1 -threads {threads} {name}/list.m3u8"
    )
    assert said == (
        "-nostdin -hide_banner -loglevel error -y -progress pipe:1 -stats_period 0.5 -filter_complex_threads 1 "
        "-f mov -codec_whitelist DECODERS -copyts -format_whitelist mov -max_pixels 35389440 -max_streams 32 "
        "-noaccurate_seek -protocol_whitelist file -reinit_filter 0 -ss 2.004 -start_at_zero -threads 1 "
        "-i file:/sources/ab "
        "-filter_complex [0:0]fps=30000/1001:start_time=4.004[s0];[s0]tpad=stop=-1:stop_mode=clone[s1];"
        "[s1]split=2[s2][s3];"
        "[s2]scale=640:360:out_range=tv[s4];[s4]setsar=1[s5];[s5]format=yuv420p[s6];"
        "[s3]scale=1280:720:out_range=tv[s7];[s7]setsar=1[s8];[s8]format=yuv420p[s9] "
        f"-map [s6] {x264.format(name='360p', bufsize=1800000, crf=22, level='3.0', maxrate=900000, threads=1)} "
        f"-map [s9] {x264.format(name='720p', bufsize=8400000, crf=23, level='3.1', maxrate=4200000, threads=2)}"
    )


@pytest.mark.parametrize(
    ("threads", "rungs", "expected"),
    [
        (1, ["240p", "360p", "540p", "720p"], (1, [1, 1, 1, 1])),
        (2, ["240p", "360p", "540p", "720p"], (1, [1, 1, 1, 2])),
        (8, ["240p", "360p", "540p", "720p"], (2, [1, 2, 3, 6])),
        (1, ["360p"], (1, [1])),
        (2, ["240p"], (2, [2])),
        (4, ["360p"], (4, [3])),
        (4, ["720p"], (2, [4])),
    ],
)
def test_threads_go_where_the_work_is(threads: int, rungs: list[str], expected: tuple[int, list[int]]) -> None:
    assert ffmpeg.divided(threads, plan(), [rung(name) for name in rungs]) == expected


@pytest.mark.parametrize(
    ("field", "value", "threads"), [("colour", "rgb", 1), ("colour", "pq", 4), ("interlaced", True, 4)]
)
def test_only_slow_filters_have_several_threads(field: str, value: object, threads: int) -> None:
    said = command(ffmpeg.video(changed(**{field: value}), [rung("360p")], SOURCE, range(1), 4))
    assert f"-filter_complex_threads {threads} " in said


def test_the_first_span_is_read_from_the_beginning_without_a_seek() -> None:
    said = command(ffmpeg.video(plan(), [rung("360p")], SOURCE, range(1), 1))
    assert " -ss " not in said
    assert "fps=30000/1001:start_time=0[" in said


@pytest.mark.parametrize(
    ("fields", "begins"),
    [
        ({"demuxer": "matroska", "codec": "vp9"}, Fraction(8) + Fraction(2, 125)),
        ({"demuxer": "matroska", "codec": "mpeg2video", "interlaced": True}, 6),
        ({"demuxer": "matroska", "codec": "vp9", "stream": 1}, 6),
        ({"demuxer": "matroska", "codec": "h264"}, 6),
        ({"demuxer": "mov", "codec": "vp9"}, 6),
        ({"demuxer": "matroska"}, 6),
    ],
)
def test_decoding_begins_no_earlier_than_it_has_to(fields: dict[str, object], begins: Fraction | int) -> None:
    assert ffmpeg.lead_in(changed(frame_rate="25", **fields), Fraction(8)) == begins


def test_sound_is_read_from_a_whole_second_filled_and_cut() -> None:
    said = command(ffmpeg_sound.audio_span(plan(), track(), SOURCE, range(1, 2)))
    assert (
        "-copyts -format_whitelist mov -max_pixels 35389440 -max_streams 32 -noaccurate_seek -protocol_whitelist file "
        "-reinit_filter 0 -ss 1 -start_at_zero -threads 1 -i file:/sources/ab "
        "-filter_complex [0:1]asetpts=PTS-3*SR[s0];[s0]atrim=start=0[s1];"
        "[s1]aresample=48000:async=1:first_pts=0:min_comp=1e-05:min_hard_comp=0.04[s2];"
        "[s2]aformat=channel_layouts=stereo:sample_fmts=fltp[s3];[s3]apad[s4];"
        "[s4]atrim=end_pts=243072:start_pts=384[s5] "
        "-map [s5] -f adts -b:a 128000 -c:a aac -map_metadata -1 -threads 1 sound.aac"
    ) in said


def test_the_first_sound_is_read_from_the_beginning() -> None:
    said = command(ffmpeg_sound.audio_span(plan(), track(), SOURCE, range(1)))
    assert " -ss " not in said
    assert "atrim=end_pts=194560:start_pts=0[" in said


def test_sound_of_a_coarse_clock_is_put_on_its_beat() -> None:
    said = command(
        ffmpeg_sound.audio_span(plan(), track(beat=Beat(1, 1152, 1_026_000, 1_000_000)), SOURCE, range(1, 2))
    )
    at = "round(1.026000*SR)"
    assert f"asetpts={at}+round(round((PTS+NB_SAMPLES-{at})*4/1152)*1152/4)-NB_SAMPLES-round(4.000000*SR)[" in said
    assert "-start_at_zero" not in said


def test_a_gain_is_one_number() -> None:
    said = command(ffmpeg_sound.audio_span(plan(), track(gain_db=-3.5, bitrate=48_000), SOURCE, range(1, 2)))
    assert "[s3]volume=-3.5dB[s4];[s4]apad" in said
    assert "-b:a 48000 " in said


def test_levelled_sound_keeps_the_place_of_every_sample() -> None:
    said = command(ffmpeg_sound.level_span(plan(), track(), SOURCE, range(1, 2)))
    assert "[s1]aresample=48000[s2];[s2]aformat=channel_layouts=stereo:sample_fmts=flt[s3]" in said
    assert said.endswith("-f nut -avoid_negative_ts disabled -c:a pcm_f32le -map_metadata -1 level.nut")
    assert "-reinit_filter" not in said
    again = command(ffmpeg_sound.audio_span(plan(), track(), Path("level.nut"), range(1, 2), levelled=True))
    assert "-f nut -codec_whitelist pcm_f32le -copyts -format_whitelist nut -protocol_whitelist file" in again
    assert "-filter_complex [0:0]aresample=48000:async=1:first_pts=0" in again


def test_loudness_is_measured_of_what_is_heard() -> None:
    said = command(ffmpeg_sound.measure(plan(), track(), SOURCE))
    assert "aformat=channel_layouts=stereo:sample_fmts=fltp[s1];[s1]ebur128=framelog=verbose:peak=true[s2]" in said
    assert said.startswith("-nostats -nostdin -hide_banner -loglevel info")
    assert said.endswith("-map [s2] -f null -")


def test_bare_samples_get_packets_of_one_size() -> None:
    picture = Picture(0, "mpeg4", 64, 64, "1", 0, "yuv420p", interlaced=False, hdr="")
    sounds = [Sound(1, "mp3", 2, 44100, "", ""), Sound(2, "pcm_s16le", 2, 44100, "", "")]
    source = SourceInfo("avi", indexed=False, seconds="3", frames=75, rate="25", picture=picture, sounds=sounds)
    said = command(ffmpeg.copy(source, SOURCE))
    assert "-c:a copy -c:a:1 pcm_s16le -c:v copy -filter:a:1 asetnsamples=n=1024:p=0 film.mkv" in said
    assert "asetnsamples" not in command(ffmpeg.copy(source, SOURCE, decode_sound=True))


def test_woven_pictures_become_twice_as_many() -> None:
    said = command(ffmpeg.video(changed(interlaced=True), [rung("360p")], SOURCE, range(1), 1))
    assert "[0:0]scale=1280:720:interl=-1[s0];[s0]bwdif=deint=interlaced:mode=send_field[s1];[s1]fps=" in said


def test_hdr_is_scaled_and_then_tone_mapped() -> None:
    said = command(ffmpeg.video(changed(colour="hlg"), [rung("360p")], SOURCE, range(1), 1))
    assert (
        "scale=640:360[s2];[s2]format=yuv420p10le[s3];"
        "[s3]zscale=min=2020_ncl:npl=100:pin=2020:t=linear:tin=arib-std-b67[s4];[s4]format=gbrpf32le[s5];"
        "[s5]zscale=p=709[s6];[s6]tonemap=hable:desat=0[s7];[s7]zscale=m=709:r=tv:t=709[s8];[s8]format=yuv420p[s9]"
    ) in said


def test_rgb_becomes_bt709() -> None:
    said = command(ffmpeg.video(changed(colour="rgb"), [rung("360p")], SOURCE, range(1), 1))
    assert "scale=out_color_matrix=bt709:out_range=tv[s2];[s2]format=yuv420p[s3]" in said


def test_every_kind_of_work_reads_one_local_file_with_one_demuxer() -> None:
    for said in (
        ffmpeg.video(plan(), plan().rungs, SOURCE, range(1), 1),
        ffmpeg_sound.audio_span(plan(), track(), SOURCE, range(1)),
        ffmpeg_sound.measure(plan(), track(), SOURCE),
        stills.poster(plan(), SOURCE, 1),
    ):
        for start in (at for at, word in enumerate(said) if word == "-i"):
            words = said[:start]
            assert said[start + 1] == "file:/sources/ab"
            assert words[words.index("-protocol_whitelist") + 1] == "file"
            assert words[words.index("-format_whitelist") + 1] == words[words.index("-f") + 1] == "mov"
            assert words[words.index("-codec_whitelist") + 1] == decoders()
