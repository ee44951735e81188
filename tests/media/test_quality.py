"""What the surveyed ladder looks like: the picture metric VMAF of the highest rung, and the steps between rungs."""

import itertools
import re
import subprocess
from pathlib import Path

import msgspec
import pytest

from api import binaries
from media import ffmpeg
from media.encoder import encode, limits_for
from media.plan import Plan
from media.survey import SAMPLE_SECONDS, SPACING, Sample, adapt, sample_starts
from tests import films
from tests.media import clips
from workers.survey import sizes_of


async def surveyed(plan: Plan, source: Path, folder: Path) -> Plan:
    """The plan as the survey leaves it."""
    folder.mkdir()
    (start,) = sample_starts(float(plan.timeline.seconds))
    sizes = sizes_of(plan)
    arguments = ffmpeg.sample(plan, sizes, source, start, 2)
    await encode(binaries.ffmpeg(), arguments, source, folder, limits=limits_for(60, 1 << 20))
    made = {rung: next(folder.glob(f"*-{rung.name}.h264")).stat().st_size for rung in sizes}
    samples = [Sample(rung.width * rung.height, 8 * size / SAMPLE_SECONDS) for rung, size in made.items()]
    return msgspec.structs.replace(plan, rungs=adapt(plan.rungs, samples))


def vmaf(encoded: Path, source: Path) -> float:
    """VMAF of an encode against its source, 0 to 100; 93 to 96 is indistinguishable for most."""
    graph = "[0:v][1:v]libvmaf=n_threads=2"
    command = [binaries.ffmpeg(), "-hide_banner", "-i", str(encoded), "-i", str(source), "-lavfi", graph]
    done = subprocess.run([*command, "-f", "null", "-"], capture_output=True, text=True, check=True)
    found = re.search(r"VMAF score: ([0-9.]+)", done.stderr)
    assert found is not None
    return float(found[1])


async def test_the_highest_rung_looks_like_the_source_and_every_rung_is_a_step(tmp_path: Path) -> None:
    has = subprocess.run([binaries.ffmpeg(), "-hide_banner", "-filters"], capture_output=True, text=True, check=True)
    if "libvmaf" not in has.stdout:
        pytest.skip("this FFmpeg measures no VMAF")
    plan, source = await clips.planned(films.bunny(), tmp_path / "copy")
    plan = await surveyed(plan, source, tmp_path / "samples")
    (made,) = await clips.encoded(plan, source, tmp_path / "out", [(0, plan.segments)])
    whole = {}
    for rung in plan.rungs:
        whole[rung.name] = tmp_path / f"{rung.name}.mp4"
        parts = [made / rung.name / ffmpeg.INIT, *clips.parts([made], rung.name)]
        whole[rung.name].write_bytes(b"".join(part.read_bytes() for part in parts))
    assert vmaf(whole[plan.rungs[-1].name], source) >= 93
    rates = [path.stat().st_size for path in whole.values()]
    assert all(above >= below * (SPACING - 0.1) for below, above in itertools.pairwise(rates))
