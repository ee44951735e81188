"""One line of the fetch log -> one Fetch, or the reason why it is refused.

nginx writes one JSON object per segment request (`nginx/parts/log_format.conf`); every field comes from named captures,
verdict headers or nginx itself, never from text a client controls. Read by the meter, the audience and reconciliation.
"""

from typing import Annotated

import msgspec

# What nginx counts fits well below 2^53; what does not fit is no number of its, and no database's either.
Count = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]
Word = Annotated[str, msgspec.Meta(max_length=255)]
MAX_LINE = 2048
LATEST_MS = 4_102_444_800_000  # the year 2100: a clock beyond it is a broken one
LONGEST_FILM_MS = 10**10  # what a segment's name can say


class Refused(ValueError):
    """A line that is not a fetch; `reason` is a stable word for counting."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Fetch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A logged segment request. Times in ms, sizes in bytes.

    `size` is the whole segment's size, 0 when nginx did not say; `bytes` what was handed to the socket; `complete`
    nginx's word that all output was sent, which is also said of HEAD, 304 and 403.
    """

    v: Count
    edge: Word
    t_ms: Count
    request_id: Word
    session_id: Word
    user_id: Count
    video: Count
    generation: Count
    rendition: Word
    index: Count
    start_ms: Count
    end_ms: Count
    method: Word
    status: Count
    bytes: Count
    size: Count
    complete: bool
    request_time_ms: Count
    verdict_cache: Word
    cache: Word


_decoder = msgspec.json.Decoder(Fetch)
_decode, _decode_lines = _decoder.decode, _decoder.decode_lines


def parse_line(line: bytes) -> Fetch:
    """A whole line without its newline; raises Refused with `too_long`, `not_json` or `bad_field`."""
    if len(line) > MAX_LINE:
        raise Refused("too_long")
    try:
        fetch = _decode(line)
    except msgspec.ValidationError as error:
        raise Refused("bad_field") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused("not_json") from error
    if not _makes_sense(fetch):
        raise Refused("bad_field")
    return fetch


def _makes_sense(fetch: Fetch) -> bool:
    return fetch.v == 1 and fetch.start_ms < fetch.end_ms <= LONGEST_FILM_MS and 0 < fetch.t_ms < LATEST_MS


def parse_lines(payload: bytes) -> list[Fetch] | None:
    """All of some whole lines at once, in a third of the time; None unless every single one is a fetch.

    A fetch is one object with one opening brace. So with as many of those as lines, each line beginning and ending with
    a brace, no two share a line and none is spread over several.
    """
    count = payload.count(b"\n")
    if not payload.startswith(b"{") or not payload.endswith(b"}\n") or payload.count(b"{") != count:
        return None
    if payload.count(b"}\n{") != count - 1 or max(map(len, payload.split(b"\n"))) > MAX_LINE:
        return None
    try:
        found = _decode_lines(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return found if len(found) == count and all(map(_makes_sense, found)) else None
