"""What the fetch log says was delivered, and what that costs: read and reckoned anew, with nothing of the product's.

Rules 1 to 3 of the rule for money on plain JSON, open and archived generations alike. No price below is rounded before
the end, no interval is kept but as the milliseconds it covers.
"""

import gzip
import json
from collections import defaultdict
from pathlib import Path
from typing import Any


def lines(folder: Path) -> list[dict[str, Any]]:
    """Every line of every generation, those in the archive first. A generation in both places counts once."""
    packed = {path.name.removesuffix(".gz"): path for path in (folder / "archive").glob("*.log.gz")}
    plain = {path.name: path for path in folder.glob("*.log") if not path.is_symlink()}
    found = [gzip.decompress(path.read_bytes()) for name, path in packed.items() if name not in plain]
    found += [path.read_bytes() for path in plain.values()]
    return [json.loads(line) for text in found for line in text.splitlines()]


def delivered_ms(rows: list[dict[str, Any]]) -> dict[tuple[int, int], int]:
    """Milliseconds of film that each user got of each video, however often."""
    seen: dict[tuple[int, int], set[int]] = defaultdict(set)
    for row in rows:
        if row["method"] != "GET" or row["status"] not in (200, 206) or row["rendition"].startswith("audio-"):
            continue
        sent, size, length = min(row["bytes"], row["size"]), row["size"], row["end_ms"] - row["start_ms"]
        if size and 2 * sent >= size:
            seen[row["user_id"], row["video"]].update(range(row["start_ms"], row["start_ms"] + length * sent // size))
    return {key: len(times) for key, times in seen.items()}


def due_micros(rows: list[dict[str, Any]], video: int, minor_per_minute: int) -> dict[int, int]:
    """What each user owes for a video, in micro-units of a currency with two decimals."""
    return {
        user: ms * minor_per_minute * 10_000 // 60_000 for (user, of), ms in delivered_ms(rows).items() if of == video
    }
