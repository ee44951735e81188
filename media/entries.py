"""What a sample entry tells a player before the first sample: codec, picture size, the decoder's configuration."""

from dataclasses import dataclass

from media.bmff import BadBox, boxes, read


@dataclass(frozen=True)
class Entry:
    """`kind` is its four letters, `config` an avcC record or an AudioSpecificConfig, `aspect` the shape of a pixel."""

    codec: str
    width: int
    height: int
    kind: str
    config: bytes = b""
    aspect: tuple[int, int] = (1, 1)


def sample_entry(stsd: bytes) -> Entry:
    """What the first sample entry says; of a codec we do not write only its four letters."""
    kind, payload = next(boxes(stsd[8:]), (b"", b""))
    if not kind:
        raise BadBox("stsd is empty")
    entry = kind.decode("latin-1")
    if kind in (b"avc1", b"avc3"):
        width, height = read(">HH", payload, 24)
        inner = dict(boxes(payload[78:]))
        avcc = inner.get(b"avcC", b"")
        if len(avcc) < 4:
            raise BadBox(f"{entry} without avcC")
        across, down = read(">II", inner.get(b"pasp", b"\0\0\0\1\0\0\0\1"), 0)
        return Entry(f"{entry}.{avcc[1:4].hex()}", width, height, entry, avcc, aspect=(across, down))
    if kind == b"mp4a":
        config = _decoder_config(dict(boxes(payload[28:])).get(b"esds", b"")[4:])
        return Entry(f"mp4a.40.{aac_object(config)}", 0, 0, entry, config)
    return Entry(entry, 0, 0, entry)


def _decoder_config(descriptors: bytes) -> bytes:
    """The AudioSpecificConfig inside nested MPEG-4 descriptors (ISO/IEC 14496-1, 7.2.6)."""
    inside = {0x03: 3, 0x04: 13}  # bytes before the descriptors in an ES and a decoder configuration descriptor
    at = 0
    while at + 1 < len(descriptors):
        tag, size, at = descriptors[at], 0, at + 1
        more = True
        while more and at < len(descriptors):
            size, more, at = size << 7 | descriptors[at] & 0x7F, bool(descriptors[at] & 0x80), at + 1
        if tag == 0x05:
            return descriptors[at : at + size]
        at += inside.get(tag, size)
    raise BadBox("esds without a decoder configuration")


def aac_object(config: bytes) -> int:
    """The audio object type of an AudioSpecificConfig: 2 is AAC-LC."""
    if len(config) < 2:
        raise BadBox("an AudioSpecificConfig ends early")
    word = int.from_bytes(config[:2], "big")
    return word >> 11 if word >> 11 != 31 else 32 + (word >> 5 & 0x3F)


AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
AAC_CHANNELS = (0, 1, 2, 3, 4, 5, 6, 8)


def aac_layout(config: bytes) -> tuple[int, int]:
    """(samples a second, channels) of an AudioSpecificConfig; 0 channels where it says them elsewhere."""
    word = int.from_bytes(config[:5].ljust(5, b"\0"), "big")
    number, channels = word >> 31 & 15, word >> 27 & 15
    if number == 15:
        return word >> 7 & 0xFFFFFF, AAC_CHANNELS[word >> 3 & 7]
    if number >= len(AAC_RATES) or channels >= len(AAC_CHANNELS):
        raise BadBox("an AudioSpecificConfig of no rate or layout we know")
    return AAC_RATES[number], AAC_CHANNELS[channels]
