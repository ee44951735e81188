"""Find the beat of a Matroska's sound: its times are rounded to milliseconds, but decoded frames come in equal steps.

Runs only inside the sandbox, as `python -I beat.py PATH DECODERS`, beside `examine`, and imports nothing of ours.
Prints a line of JSON for each track with a beat. Other containers keep times to the sample, or are copied to Matroska.
"""

import itertools
import json
import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MATROSKA = b"\x1a\x45\xdf\xa3"
LOOKED_AT = 16  # frames of each track; the first and the last may be short
MOST_PACKETS = 1000  # of all tracks, in search of them
LEAST_STEP = 32  # samples; no codec's frames differ by less, so the sizes are arbitrary
SHORT_BLOCK = 64  # half of what Vorbis's shortest frames overlap by


def beats(path: str, decoders: str) -> Iterator[dict[str, int]]:
    """Of each track: its number, the step in samples, and when one of its frames and the film start."""
    import av  # noqa: PLC0415 - most files are no Matroska, and need not wait for it

    options = {"protocol_whitelist": "file", "format_whitelist": "matroska", "codec_whitelist": decoders}
    with av.open(f"file:{path}", format="matroska", options=options, metadata_errors="replace") as film:
        for index, frames in _first_frames(film).items():
            step = math.gcd(*(frame.samples for frame in frames[1:-1]))
            if film.streams[index].codec_context.codec.canonical_name == "vorbis":
                step = math.gcd(step, SHORT_BLOCK)
            last = frames[-1] if frames else None
            if step >= LEAST_STEP and last is not None and last.pts is not None:
                at_us = round(last.pts * last.time_base * av.time_base)
                yield {"stream": index, "step": step, "at_us": at_us, "start_us": film.start_time or 0}


def _first_frames(film: Any) -> dict[int, list[Any]]:
    from av.error import FFmpegError  # noqa: PLC0415

    found: dict[int, list[Any]] = {stream.index: [] for stream in film.streams.audio if stream.codec_context}
    wanting = set(found)
    for packet in itertools.islice(film.demux(), MOST_PACKETS):
        if packet.stream_index not in wanting:
            continue
        frames = found[packet.stream_index]
        try:
            frames += packet.decode()
        except FFmpegError:
            continue
        if len(frames) >= LOOKED_AT:
            wanting.remove(packet.stream_index)
            if not wanting:
                break
    return found


def main(path: str, decoders: str) -> None:
    with Path(path).open("rb") as file:
        if file.read(4) != MATROSKA:
            return
    for beat in beats(path, decoders):
        sys.stdout.write(json.dumps(beat) + "\n")
    sys.stdout.flush()
    # As in `examine`: the answer is out, nothing may take it back.
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
