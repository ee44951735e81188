"""What we read, told alike to the probe and to FFmpeg: containers, codecs, decoders, bounds. All else is refused."""

from typing import Any

MAX_SECONDS = 24 * 3600
MAX_PIXELS = 35_389_440  # 8192 x 4320
MIN_SIDE = 16
MAX_STREAMS = 32
MAX_SOUNDS = 8

# FFmpeg's names of the demuxers; the probe tells them apart by first bytes and forces the one it saw.
CONTAINERS = ("mov", "matroska", "mpegts", "mpeg", "avi", "flv", "asf", "ogg", "mxf")

# Codec -> decoders that may be opened for it, in FFmpeg's names; no second name means the decoder is called the same.
PICTURES = {
    "h264": "",
    "hevc": "",
    "av1": "libdav1d libaom-av1",
    "vp8": "libvpx",
    "vp9": "libvpx-vp9",
    "mpeg4": "",
    "mpeg2video": "",
    "mpeg1video": "",
    "msmpeg4v2": "",
    "msmpeg4v3": "msmpeg4",
    "wmv1": "",
    "wmv2": "",
    "wmv3": "",
    "vc1": "",
    "h263": "",
    "flv1": "flv",
    "vp6f": "",
    "theora": "",
    "prores": "",
    "dnxhd": "",
    "mjpeg": "",
    "dvvideo": "",
    "ffv1": "",
    "huffyuv": "",
    "utvideo": "",
}
SOUNDS = {
    "aac": "",
    "mp3": "mp3float",
    "mp2": "mp2float",
    "ac3": "",
    "eac3": "",
    "dts": "dca",
    "truehd": "",
    "opus": "libopus",
    "vorbis": "libvorbis",
    "flac": "",
    "alac": "",
    "wmav1": "",
    "wmav2": "",
    "amr_nb": "amrnb",
    "amr_wb": "amrwb",
    "pcm_u8": "",
    "pcm_s16le": "",
    "pcm_s16be": "",
    "pcm_s24le": "",
    "pcm_s24be": "",
    "pcm_s32le": "",
    "pcm_f32le": "",
    "pcm_alaw": "",
    "pcm_mulaw": "",
    "pcm_bluray": "",
    "pcm_dvd": "",
    "adpcm_ms": "",
    "adpcm_ima_wav": "",
    "nellymoser": "",
    "speex": "libspeex",
}


def decoders() -> str:
    """The allow-list for FFmpeg's `codec_whitelist`: nothing else is opened, not even to look."""
    names = [f"{codec} {others}".split() for codec, others in (PICTURES | SOUNDS).items()]
    return ",".join(name for group in names for name in group)


def for_examine() -> dict[str, Any]:
    """What `examine.py` is told; it runs where it cannot import us."""
    return {
        "max_seconds": MAX_SECONDS,
        "max_pixels": MAX_PIXELS,
        "min_side": MIN_SIDE,
        "max_streams": MAX_STREAMS,
        "max_sounds": MAX_SOUNDS,
        "pictures": list(PICTURES),
        "sounds": list(SOUNDS),
        "decoders": decoders(),
    }


def image_demuxer(head: bytes) -> str | None:
    """FFmpeg's name of the demuxer for a picture that begins with `head` (12 bytes), None when it is none we take."""
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg_pipe"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png_pipe"
    return "webp_pipe" if (head[:4], head[8:12]) == (b"RIFF", b"WEBP") else None
