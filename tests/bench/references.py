"""What others do with the same film: whole ladders by plain FFmpeg commands, written by hand as an engineer would.

Rungs, settings, segment length and tracks are the engine's, so that only the way of working differs.
"""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from api import binaries
from media.ladder import Rung
from media.plan import Plan, Track

PIECE_S = 240


@dataclass(frozen=True)
class Reference:
    """One film to be encoded into `out`, every process with so many threads."""

    plan: Plan
    source: Path
    out: Path
    threads: int

    def single(self) -> None:
        """All rungs and tracks by one process: decoded once, split, scaled, encoded."""
        rungs = self.plan.rungs
        copies = "".join(f"[c{n}]" for n in range(len(rungs)))
        scaled = [f"[c{n}]scale={rung.width}:{rung.height},setsar=1[v{n}]" for n, rung in enumerate(rungs)]
        graph = ";".join([f"[0:{self.plan.stream}]split={len(rungs)}{copies}", *scaled])
        outputs: list[str] = []
        for number, rung in enumerate(rungs):
            outputs += ["-map", f"[v{number}]", *self._x264(rung), *self._hls(rung.name)]
        for track in self._tracks():
            outputs += [*self._aac(track), *self._hls(track.name)]
        self._run(["-i", str(self.source), "-filter_complex", graph, *outputs])

    def per_rung(self) -> None:
        """One process per rung in turn, each decoding the film again; the tracks by one more."""
        for rung in self.plan.rungs:
            self._run(["-i", str(self.source), *self._one(rung), *self._hls(rung.name)])
        sounds: list[str] = []
        for track in self._tracks():
            sounds += [*self._aac(track), *self._hls(track.name)]
        if sounds:
            self._run(["-i", str(self.source), *sounds])

    def pieces(self) -> None:
        """Cut into pieces by stream copy, each encoded once per rung with its sound, joined and cut into segments."""
        cut = ["-f", "segment", "-segment_time", str(PIECE_S), "-reset_timestamps", "1"]
        self._run(["-i", str(self.source), "-map", "0:v", "-map", "0:a?", "-c", "copy", *cut, "piece-%d.mkv"])
        pieces = sorted(self.out.glob("piece-*.mkv"))
        for rung in self.plan.rungs:
            names = [f"{rung.name}-{piece.stem}.mp4" for piece in pieces]
            for piece, name in zip(pieces, names, strict=True):
                sound = ["-map", "0:a?", "-c:a", "aac", "-b:a", "128k", "-ac", "2"]
                self._run(["-i", str(piece), *self._one(rung, "0:v"), *sound, name])
            listed = self.out / "list"
            listed.write_text("".join(f"file {name}\n" for name in names))
            joined = ["-f", "concat", "-i", str(listed), "-map", "0", "-c", "copy", f"{rung.name}.mp4"]
            self._run(joined)
            self._run(["-i", f"{rung.name}.mp4", "-map", "0", "-c", "copy", *self._hls(rung.name)])

    def _tracks(self) -> Sequence[Track]:
        return [track for track in self.plan.tracks if track.group != "instant"]

    def _one(self, rung: Rung, stream: str = "") -> list[str]:
        view = f"scale={rung.width}:{rung.height},setsar=1"
        return ["-map", stream or f"0:{self.plan.stream}", "-vf", view, *self._x264(rung)]

    def _x264(self, rung: Rung) -> list[str]:
        gop = str(self.plan.timeline.gop)
        return [
            *("-c:v", "libx264", "-preset", "veryfast", "-profile:v", "high", "-pix_fmt", "yuv420p"),
            *("-level:v", f"{rung.level / 10}", "-crf", str(rung.crf)),
            *("-maxrate", str(rung.maxrate), "-bufsize", str(rung.bufsize)),
            *("-g", gop, "-keyint_min", gop, "-sc_threshold", "0", "-flags", "+cgop", "-threads", str(self.threads)),
        ]

    def _aac(self, track: Track) -> list[str]:
        if track.copied:
            return ["-map", f"0:{track.stream}", "-c:a", "copy"]
        return ["-map", f"0:{track.stream}", "-c:a", "aac", "-b:a", str(track.bitrate), "-ac", "2", "-ar", "48000"]

    def _hls(self, name: str) -> list[str]:
        (self.out / name).mkdir(exist_ok=True)
        seconds = str(float(self.plan.timeline.segment_seconds))
        return [
            *("-f", "hls", "-hls_time", seconds, "-hls_playlist_type", "vod", "-hls_segment_type", "fmp4"),
            *("-hls_segment_filename", f"{name}/%d.m4s", f"{name}/index.m3u8"),
        ]

    def _run(self, arguments: Sequence[str]) -> None:
        threads = ["-filter_complex_threads", str(self.threads), "-threads", str(self.threads)]
        command = [binaries.ffmpeg(), "-nostdin", "-v", "error", "-y", *threads, *arguments]
        done = subprocess.run(command, cwd=self.out, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
