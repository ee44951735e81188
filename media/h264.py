"""What H.264 says of itself: the avcC record, sequence parameter sets, the kind of a picture (ITU-T H.264, 7.3)."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from media.bmff import BadBox

IDR = 5
SLICES = (1, 2, 3, 4, IDR)
SPS = 7
HDR = (16, 18)  # transfer characteristics PQ and HLG (ITU-T H.273)
_HIGH = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}  # profiles that name their chroma format
_SQUARE = ((1, 1), (1, 1))
# aspect_ratio_idc (table E-1); 255 says it in full.
_ASPECTS = (
    *_SQUARE, (12, 11), (10, 11), (16, 11), (40, 33), (24, 11), (20, 11), (32, 11),
    (80, 33), (18, 11), (15, 11), (64, 33), (160, 99), (4, 3), (3, 2), (2, 1),
)  # fmt: skip
# level: macroblocks a second, macroblocks a picture (table A-1).
LEVELS = {
    10: (1_485, 99), 11: (3_000, 396), 12: (6_000, 396), 13: (11_880, 396), 20: (11_880, 396), 21: (19_800, 792),
    22: (20_250, 1_620), 30: (40_500, 1_620), 31: (108_000, 3_600), 32: (216_000, 5_120), 40: (245_760, 8_192),
    41: (245_760, 8_192), 42: (522_240, 8_704), 50: (589_824, 22_080), 51: (983_040, 36_864), 52: (2_073_600, 36_864),
}  # fmt: skip


@dataclass(frozen=True)
class Parameters:
    """A sequence parameter set. `level` as written (31 is 3.1), `transfer` the VUI's (2: unsaid)."""

    profile: int
    level: int
    chroma: int
    bits: int
    width: int
    height: int
    progressive: bool
    aspect: tuple[int, int] = (1, 1)
    transfer: int = 2

    @property
    def blocks(self) -> int:
        """Macroblocks of a picture."""
        return -(-self.width // 16) * -(-self.height // 16)

    def fits(self, level: int, rate: Fraction) -> bool:
        """Whether a level allows pictures of this size at `rate` a second."""
        fastest, largest = LEVELS.get(level, (0, 0))
        return self.blocks <= largest and self.blocks * rate <= fastest


@dataclass(frozen=True)
class Record:
    """An avcC record: `head` is profile, compatibility and level, `length_size` the bytes before each NAL unit."""

    head: bytes
    length_size: int
    sequences: list[bytes]
    pictures: list[bytes]


def read_record(avcc: bytes) -> Record:
    """Raises BadBox."""
    if len(avcc) < 7 or avcc[0] != 1:
        raise BadBox("avcC ends early or is of another version")
    sequences, at = _sets(avcc, 6, avcc[5] & 31)
    if at >= len(avcc):
        raise BadBox("avcC ends before its picture parameter sets")
    pictures, _ = _sets(avcc, at + 1, avcc[at])
    return Record(avcc[1:4], (avcc[4] & 3) + 1, sequences, pictures)


def _sets(avcc: bytes, at: int, count: int) -> tuple[list[bytes], int]:
    found = []
    for _ in range(count):
        size = int.from_bytes(avcc[at : at + 2], "big")
        found.append(avcc[at + 2 : at + 2 + size])
        at += 2 + size
        if at > len(avcc):
            raise BadBox("avcC ends inside a parameter set")
    return found, at


def is_plain(avcc: bytes, size: tuple[int, int], rate: Fraction) -> bool:
    """Whether a stranger's pictures may stand beside ours for good: one parameter set, true and ordinary."""
    try:
        record = read_record(avcc)
        (found,) = map(read_parameters, record.sequences)
    except ValueError:
        return False
    told = (record.head[0], record.head[2], *size, 1, 8)
    ordinary = found.progressive and len(set(found.aspect)) == 1 and found.transfer not in HDR
    said = (found.profile, found.level, found.width, found.height, found.chroma, found.bits)
    return said == told and ordinary and found.fits(found.level, rate)


def first_slice(sample: bytes, length_size: int) -> int:
    """The type of the first slice of a sample, 5 for an IDR; 0 when none begins in these bytes."""
    at = 0
    while at + length_size < len(sample):
        kind = sample[at + length_size] & 31
        if kind in SLICES:
            return kind
        at += length_size + int.from_bytes(sample[at : at + length_size], "big")
    return 0


def read_parameters(sps: bytes) -> Parameters:
    """A sequence parameter set as it stands in avcC, with its NAL header; raises BadBox."""
    if len(sps) < 5 or sps[0] & 31 != SPS:
        raise BadBox("no sequence parameter set")
    bits = _Bits(sps[4:].replace(b"\0\0\3", b"\0\0"))
    bits.number()  # its id
    chroma, depth = _format(bits) if sps[1] in _HIGH else (1, 8)
    bits.number()  # log2_max_frame_num
    _order(bits)
    bits.number()  # reference pictures
    bits.take(1)
    columns, rows = bits.number() + 1, bits.number() + 1
    progressive = bool(bits.take(1))
    bits.take(1 if progressive else 2)
    left, right, top, bottom = [bits.number() for _ in range(4)] if bits.take(1) else [0] * 4
    across, down = (1 if chroma in (0, 3) else 2), (2 if chroma == 1 else 1) * (1 if progressive else 2)
    width = columns * 16 - across * (left + right)
    height = rows * 16 * (1 if progressive else 2) - down * (top + bottom)
    aspect, transfer = _usability(bits) if bits.take(1) else ((1, 1), 2)
    return Parameters(sps[1], sps[3], chroma, depth, width, height, progressive, aspect, transfer)


class _Bits:
    """Bits of a parameter set, emulation prevention taken out."""

    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data, "big"), len(data) * 8

    def take(self, count: int) -> int:
        if count > self._left:
            raise BadBox("a parameter set ends early")
        self._left -= count
        return self._value >> self._left & (1 << count) - 1

    def number(self) -> int:
        """ue(v): as many zeros as bits follow the first one."""
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 31:
                raise BadBox("a parameter set has a number without end")
        return (1 << zeros | self.take(zeros)) - 1

    def signed(self) -> int:
        number = self.number()
        return -(number // 2) if number % 2 == 0 else (number + 1) // 2


def _format(bits: _Bits) -> tuple[int, int]:
    chroma = bits.number()
    if chroma == 3:
        bits.take(1)
    depth = bits.number() + 8
    bits.number()
    bits.take(1)
    if bits.take(1):
        for _ in _lists(bits, 8 if chroma != 3 else 12):
            pass
    return chroma, depth


def _lists(bits: _Bits, count: int) -> Iterator[int]:
    """Scaling lists: they matter to decoders alone, but what follows them cannot be found without reading them."""
    for number in range(count):
        last = following = 8
        if not bits.take(1):
            continue
        for _ in range(16 if number < 6 else 64):
            if following:
                following = (last + bits.signed()) % 256
            last = following or last
        yield number


def _order(bits: _Bits) -> None:
    """Picture order count, of no interest either."""
    kind = bits.number()
    if kind == 0:
        bits.number()
    elif kind == 1:
        bits.take(1)
        bits.signed()
        bits.signed()
        for _ in range(min(bits.number(), 255)):
            bits.signed()


def _usability(bits: _Bits) -> tuple[tuple[int, int], int]:
    """The VUI: shape of a pixel and transfer characteristics."""
    aspect, transfer = (1, 1), 2
    if bits.take(1):
        kind = bits.take(8)
        if kind == 255:
            aspect = bits.take(16), bits.take(16)
        elif kind < len(_ASPECTS):
            aspect = _ASPECTS[kind]
    if bits.take(1):
        bits.take(1)
    if bits.take(1):
        bits.take(4)
        if bits.take(1):
            _, transfer, _ = bits.take(8), bits.take(8), bits.take(8)
    return aspect, transfer
