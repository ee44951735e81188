"""Bytes of a stranger's text file -> text, whatever encoding its editor chose. Called for captions.

A byte order mark says it, then UTF-8 proves itself; the rest is told apart by what files of a language used to be in.
"""

import codecs

from charset_normalizer import from_bytes

SAMPLE_BYTES = 64 << 10
MOST_MESS = 0.15  # of charset-normalizer's measure; text read rightly is below a tenth
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
WESTERN = ("cp1252",)
CENTRAL = ("cp1250", "iso8859_2")
CYRILLIC = ("cp1251", "koi8_r", "cp866")
BALTIC = ("cp1257",)
# Of two that read a file equally well the first is taken.
_OF_LANGUAGE = {
    **dict.fromkeys(("cs", "hr", "hu", "pl", "ro", "sk", "sl"), CENTRAL),
    **dict.fromkeys(("be", "bg", "mk", "ru"), CYRILLIC),
    **dict.fromkeys(("et", "lt", "lv"), BALTIC),
    **dict.fromkeys(("ar", "fa", "ur"), ("cp1256",)),
    "el": ("cp1253",),
    "he": ("cp1255",),
    "ja": ("cp932", "euc_jp"),
    "ko": ("cp949",),
    "sr": ("cp1250", "cp1251"),
    "th": ("cp874",),
    "tr": ("cp1254",),
    "uk": ("cp1251", "koi8_u"),
    "vi": ("cp1258",),
    "zh": ("gb18030", "big5"),
}
_ANY = [
    *("cp1252", "cp1251", "cp932", "gb18030", "big5", "cp949", "euc_jp", "cp1250", "cp1253", "cp1254", "cp1255"),
    *("cp1256", "cp1257", "cp874", "koi8_r"),
]  # fmt: skip


def decode(data: bytes, language: str, landmark: str) -> str:
    """The text of a file said to be in `language`; what makes no sense becomes U+FFFD.

    `landmark` is ASCII that such a file has: by its place UTF-16 without a mark is known.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    place = data.find("\0".join(landmark).encode())
    if place >= 0:
        return data.decode("utf-16-be" if place % 2 else "utf-16-le", "replace")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode(_legacy(data, language.partition("-")[0]), "replace")


def _legacy(data: bytes, language: str) -> str:
    usual = _OF_LANGUAGE.get(language, WESTERN)
    sample = _sample(data)
    return _best(sample, list(usual)) or _best(sample, _ANY) or usual[0]


def _sample(data: bytes) -> bytes:
    """Lines that are not plain ASCII: numbers and times say nothing of a language."""
    lines, size = [], 0
    for line in data.split(b"\n"):
        if size < SAMPLE_BYTES and not line.isascii():
            lines.append(line[:SAMPLE_BYTES])
            size += len(lines[-1])
    return b"\n".join(lines)


def _best(sample: bytes, encodings: list[str]) -> str:
    """The encoding that makes the least mess, in the order given among equals; empty when all make too much."""
    found = from_bytes(sample, cp_isolation=encodings, preemptive_behaviour=False, enable_fallback=False)
    known = {name: match.chaos for match in found for name in [match.encoding, *match.could_be_from_charset]}
    fitting = [name for name in encodings if known.get(name, 1) <= MOST_MESS]
    return min(fitting, key=lambda name: known[name], default="")
