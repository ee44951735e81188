"""Golden argument lists: what FFmpeg is told, word for word."""

from pathlib import Path

import msgspec

from media import ffmpeg, stills
from media.formats import decoders
from media.ladder import Rung
from media.plan import Plan
from tests.media.test_playlist import plan

SOURCE = Path("/sources/ab")


def command(arguments: list[str]) -> str:
    return " ".join(arguments).replace(decoders(), "DECODERS")


def changed(**fields: object) -> Plan:
    return msgspec.structs.replace(plan(), **fields)


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
        "-preset veryfast -profile:v high -sc_threshold 0 -start_number 1 -threads 2 {name}/list.m3u8"
    )
    assert said == (
        "-nostdin -hide_banner -loglevel error -y -progress pipe:1 -stats_period 0.5 -filter_complex_threads 2 "
        "-f mov -codec_whitelist DECODERS -copyts -format_whitelist mov -max_pixels 35389440 -max_streams 32 "
        "-noaccurate_seek -protocol_whitelist file -reinit_filter 0 -ss 2.004 -start_at_zero -threads 2 "
        "-i file:/sources/ab "
        "-filter_complex [0:0]fps=30000/1001:start_time=4.004[s0];[s0]tpad=stop=-1:stop_mode=clone[s1];"
        "[s1]split=2[s2][s3];"
        "[s2]scale=640:360:out_range=tv[s4];[s4]setsar=1[s5];[s5]format=yuv420p[s6];"
        "[s3]scale=1280:720:out_range=tv[s7];[s7]setsar=1[s8];[s8]format=yuv420p[s9] "
        f"-map [s6] {x264.format(name='360p', bufsize=1800000, crf=22, level='3.0', maxrate=900000)} "
        f"-map [s9] {x264.format(name='720p', bufsize=8400000, crf=23, level='3.1', maxrate=4200000)}"
    )


def test_the_first_span_is_read_from_the_beginning_without_a_seek() -> None:
    said = command(ffmpeg.video(plan(), [rung("360p")], SOURCE, range(1), 1))
    assert " -ss " not in said
    assert "fps=30000/1001:start_time=0[" in said


def test_sound_is_filled_cut_and_given_absolute_times() -> None:
    said = command(ffmpeg.audio(plan(), plan().tracks[0], SOURCE))
    assert (
        "-filter_complex [0:1]aresample=48000:async=1:first_pts=0[s0];"
        "[s0]aformat=channel_layouts=stereo:sample_fmts=fltp[s1];[s1]apad[s2];"
        "[s2]atrim=end_sample=401408:start_sample=0[s3] -map [s3] -f hls -avoid_negative_ts disabled -b:a 128000 "
        "-c:a aac -hls_flags temp_file"
    ) in said
    assert "frag_discont" not in said
    assert "-reinit_filter 0" in said


def test_levelled_sound_keeps_the_film_s_time() -> None:
    said = command(ffmpeg.level(plan(), plan().tracks[0], SOURCE))
    assert "[0:1]aresample=48000[s0];[s0]aformat=channel_layouts=stereo:sample_fmts=s16[s1] " in said
    assert said.endswith(
        "-f matroska -avoid_negative_ts disabled -c:a flac -map_chapters -1 -map_metadata -1 level.mka"
    )
    assert "-reinit_filter" not in said
    again = command(ffmpeg.audio(plan(), plan().tracks[0], Path("level.mka"), levelled=True))
    assert "-copyts -i file:level.mka -filter_complex [0:0]aresample=48000:async=1:first_pts=0[s0]" in again


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
        ffmpeg.audio(plan(), plan().tracks[0], SOURCE),
        stills.poster(plan(), SOURCE, 1),
    ):
        for start in (at for at, word in enumerate(said) if word == "-i"):
            words = said[:start]
            assert said[start + 1] == "file:/sources/ab"
            assert words[words.index("-protocol_whitelist") + 1] == "file"
            assert words[words.index("-format_whitelist") + 1] == words[words.index("-f") + 1] == "mov"
            assert words[words.index("-codec_whitelist") + 1] == decoders()
