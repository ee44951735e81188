"""The tags of HLS (RFC 8216, 4.3, and its second edition, 4.4): where each belongs, the types of its attributes."""

import re

DECIMAL = re.compile(r"\d{1,20}")
HEXADECIMAL = re.compile(r"0[xX][0-9A-F]+")
FLOAT = re.compile(r"\d+(?:\.\d+)?")
SIGNED = re.compile(r"-?\d+(?:\.\d+)?")
SIZE = re.compile(r"[1-9]\d*x[1-9]\d*")
QUOTED = re.compile(r'"[^"\n]*"')
SAFE_ID = re.compile(r'"[A-Za-z0-9+/=._-]+"')
YES_NO = re.compile("YES|NO")
YES = re.compile("YES")


def _words(*words: str) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, words)))


Types = dict[str, re.Pattern[str]]
_KEY: Types = {
    "METHOD": _words("NONE", "AES-128", "SAMPLE-AES", "SAMPLE-AES-CTR"),
    "URI": QUOTED,
    "IV": HEXADECIMAL,
    "KEYFORMAT": QUOTED,
    "KEYFORMATVERSIONS": QUOTED,
}
_STREAM: Types = {
    "BANDWIDTH": DECIMAL,
    "AVERAGE-BANDWIDTH": DECIMAL,
    "SCORE": FLOAT,
    "CODECS": QUOTED,
    "SUPPLEMENTAL-CODECS": QUOTED,
    "RESOLUTION": SIZE,
    "HDCP-LEVEL": _words("TYPE-0", "TYPE-1", "NONE"),
    "ALLOWED-CPC": QUOTED,
    "VIDEO-RANGE": _words("SDR", "HLG", "PQ"),
    "STABLE-VARIANT-ID": SAFE_ID,
    "VIDEO": QUOTED,
    "PATHWAY-ID": QUOTED,
}
TYPES: dict[str, Types] = {
    "EXT-X-STREAM-INF": _STREAM
    | {
        "FRAME-RATE": FLOAT,
        "AUDIO": QUOTED,
        "SUBTITLES": QUOTED,
        "CLOSED-CAPTIONS": re.compile(r'"[^"\n]*"|NONE'),
    },
    "EXT-X-I-FRAME-STREAM-INF": _STREAM | {"URI": QUOTED},
    "EXT-X-MEDIA": {
        "TYPE": _words("AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS"),
        "URI": QUOTED,
        "GROUP-ID": QUOTED,
        "LANGUAGE": QUOTED,
        "ASSOC-LANGUAGE": QUOTED,
        "NAME": QUOTED,
        "STABLE-RENDITION-ID": SAFE_ID,
        "DEFAULT": YES_NO,
        "AUTOSELECT": YES_NO,
        "FORCED": YES_NO,
        "INSTREAM-ID": QUOTED,
        "BIT-DEPTH": DECIMAL,
        "SAMPLE-RATE": DECIMAL,
        "CHARACTERISTICS": QUOTED,
        "CHANNELS": QUOTED,
    },
    "EXT-X-MAP": {"URI": QUOTED, "BYTERANGE": QUOTED},
    "EXT-X-KEY": _KEY,
    "EXT-X-SESSION-KEY": _KEY,
    "EXT-X-SESSION-DATA": {
        "DATA-ID": QUOTED,
        "VALUE": QUOTED,
        "URI": QUOTED,
        "FORMAT": _words("JSON", "RAW"),
        "LANGUAGE": QUOTED,
    },
    "EXT-X-START": {"TIME-OFFSET": SIGNED, "PRECISE": YES_NO},
    "EXT-X-DEFINE": {"NAME": QUOTED, "VALUE": QUOTED, "IMPORT": QUOTED, "QUERYPARAM": QUOTED},
    "EXT-X-CONTENT-STEERING": {"SERVER-URI": QUOTED, "PATHWAY-ID": QUOTED},
    "EXT-X-DATERANGE": {
        "ID": QUOTED,
        "CLASS": QUOTED,
        "START-DATE": QUOTED,
        "END-DATE": QUOTED,
        "DURATION": FLOAT,
        "PLANNED-DURATION": FLOAT,
        "END-ON-NEXT": YES,
        "X-ASSET-URI": QUOTED,
        "X-ASSET-LIST": QUOTED,
        "X-RESUME-OFFSET": SIGNED,
        "X-PLAYOUT-LIMIT": FLOAT,
        "X-SNAP": QUOTED,
        "X-RESTRICT": QUOTED,
    },
    "EXT-X-SKIP": {"SKIPPED-SEGMENTS": DECIMAL, "RECENTLY-REMOVED-DATERANGES": QUOTED},
}

# Those a playlist may have once, by the playlist they belong into; the last ones may be in either.
ONCE_MEDIA = {
    "EXT-X-TARGETDURATION", "EXT-X-MEDIA-SEQUENCE", "EXT-X-DISCONTINUITY-SEQUENCE", "EXT-X-ENDLIST",
    "EXT-X-PLAYLIST-TYPE", "EXT-X-I-FRAMES-ONLY", "EXT-X-SKIP",
}  # fmt: skip
ONCE_MULTIVARIANT = {"EXT-X-CONTENT-STEERING"}
ONCE = ONCE_MEDIA | ONCE_MULTIVARIANT | {"EXTM3U", "EXT-X-VERSION", "EXT-X-INDEPENDENT-SEGMENTS", "EXT-X-START"}

MEDIA = ONCE_MEDIA | {
    "EXTINF", "EXT-X-BYTERANGE", "EXT-X-DISCONTINUITY", "EXT-X-KEY", "EXT-X-MAP", "EXT-X-PROGRAM-DATE-TIME",
    "EXT-X-GAP", "EXT-X-BITRATE", "EXT-X-DATERANGE",
}  # fmt: skip
MULTIVARIANT = ONCE_MULTIVARIANT | {
    "EXT-X-MEDIA", "EXT-X-STREAM-INF", "EXT-X-I-FRAME-STREAM-INF", "EXT-X-SESSION-DATA", "EXT-X-SESSION-KEY",
}  # fmt: skip
ALL = MEDIA | MULTIVARIANT | ONCE | {"EXT-X-DEFINE"}
WITH_VALUE = ALL - {
    "EXTM3U", "EXT-X-INDEPENDENT-SEGMENTS", "EXT-X-ENDLIST", "EXT-X-I-FRAMES-ONLY", "EXT-X-DISCONTINUITY", "EXT-X-GAP",
}  # fmt: skip
