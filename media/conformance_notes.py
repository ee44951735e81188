"""What Apple's rules advise without demanding it: said in the report, never in the way of publishing."""

from fractions import Fraction

from media import h264
from media.conformance_renditions import rows
from media.conformance_segments import one_sample
from media.conformance_variants import measured, trick_variants, variants
from media.film import Film
from media.rules import Findings, note
from media.timeline import RATES

HIGH = 100
COMPATIBLE_LEVEL = 41
KEY_SECONDS = 2
TARGET = 6
HD_LINES = 720
FIRST = (1_500_000, 2_500_000)
STEREO = (32_000, 160_000)


@note("APL-1.3a")
def compatible_level(film: Film) -> Findings:
    """Some variant is of High 4.1 or below."""
    if not any(found.level <= COMPATIBLE_LEVEL for track in film.videos for found in track.parameters):
        yield "every variant is above level 4.1"


@note("APL-1.4")
def high_profile(film: Film) -> Findings:
    """High profile rather than Main or Baseline."""
    for track in film.videos:
        yield from (f"{track.name}: profile {found.profile}" for found in track.parameters if found.profile != HIGH)


@note("APL-1.10")
def parameters_in_front(film: Film) -> Findings:
    """Parameter sets in the sample entry: avc1, not avc3."""
    for track in film.videos:
        if track.init.entry.kind != "avc1":
            yield f"{track.name}: {track.init.entry.kind}"


@note("APL-1.11")
def no_higher_level(film: Film) -> Findings:
    """No level above what size and rate need."""
    for track in film.videos:
        for found in track.parameters:
            levels = [level for level in h264.LEVELS if found.fits(level, film.plan.timeline.rate)]
            # One step more may be what the bit rate needs.
            if levels and found.level > min([*levels[1:2], *levels[:1]], key=lambda level: -level):
                yield f"{track.name}: level {found.level}, {levels[0]} would do for its size and rate"


@note("APL-1.13")
def frequent_keys(film: Film) -> Findings:
    """A key picture every two seconds."""
    for track in film.videos:
        longest = Fraction(max(media.key_gap for media in track.media), track.init.timescale)
        if longest > KEY_SECONDS + one_sample(film, track):
            yield f"{track.name}: {float(longest):.3f} s from one key picture to the next"


@note("APL-1.18")
def natural_rate(film: Film) -> Findings:
    """One of television's and cinema's rates."""
    for variant in variants(film):
        if variant.number("FRAME-RATE") not in {round(float(rate), 3) for rate in RATES}:
            yield f"{variant.name}: {variant.attributes.get('FRAME-RATE')} pictures a second"


@note("APL-1.30")
def even_rate(film: Film) -> Findings:
    """The peak at most twice the average."""
    found = measured(film)
    for track in film.videos:
        peak, average = found[track.name]
        if peak > 2 * average:
            yield f"{track.name}: peak {peak:.0f}, average {average:.0f}"


@note("APL-1.32")
def middle_first(film: Film) -> Findings:
    """The first variant is the one of about 2 Mbit/s, where the film has one."""
    told = [variant.number("AVERAGE-BANDWIDTH") for variant in variants(film)]
    if any(FIRST[0] <= rate <= FIRST[1] for rate in told) and not FIRST[0] <= told[0] <= FIRST[1]:
        yield f"the first variant has {told[0]:.0f} bit/s"


@note("APL-1.33")
def one_shape(film: Film) -> Findings:
    """One aspect ratio, to what even numbers of pixels allow."""
    shapes = {track.name: (track.init.width, track.init.height) for track in film.videos}
    wide, high = max(shapes.values(), default=(1, 1))
    for name, (width, height) in shapes.items():
        if abs(width * high - height * wide) > 2 * max(wide, high):
            yield f"{name}: {width}x{height} beside {wide}x{high}"


@note("APL-2.9")
def modest_sound(film: Film) -> Findings:
    """Stereo AAC of 32 to 160 kbit/s."""
    found = measured(film)
    for track in film.sounds:
        if not STEREO[0] <= found[track.name][1] <= STEREO[1]:
            yield f"{track.name}: {found[track.name][1]:.0f} bit/s"


@note("APL-5.11")
def forced_is_automatic(film: Film) -> Findings:
    """Forced captions may be chosen automatically."""
    for row in rows(film, "SUBTITLES"):
        if row.get("FORCED") == "YES" and row.get("AUTOSELECT") != "YES":
            yield f"{row.get('NAME', '')[:60]!r} is forced but not automatic"


@note("APL-6.2")
def dense_iframes(film: Film) -> Findings:
    """I-frames of every second, in several bit rates (6.6)."""
    for track in film.beside.iframes:
        longest = max(film.list_of(track.name).durations)
        if longest > 1:
            yield f"{track.name}: an I-frame every {float(longest):.3f} s"
    if len(list(trick_variants(film))) < 2:
        yield "one bit rate of I-frames"


@note("APL-7.5")
def long_segments(film: Film) -> Findings:
    """A target duration of six seconds; ours are shorter, so that a film starts and seeks sooner."""
    targets = {film.list_of(track.name).target for track in film.videos}
    if targets != {TARGET}:
        yield f"the target duration is {sorted(targets)}"


@note("APL-9.10")
def two_of_the_best(film: Film) -> Findings:
    """Films in HD have two variants of the highest resolution."""
    sizes = [min(track.init.width, track.init.height) for track in film.videos]
    if max(sizes, default=0) >= HD_LINES and sizes.count(max(sizes)) < 2:
        yield f"one variant of {max(sizes)} lines"


@note("APL-9.17")
def general_first(film: Film) -> Findings:
    """Of renditions in one language the general one comes first: no description of pictures before plain sound."""
    seen: dict[tuple[str, str, str], int] = {}
    for row in rows(film, "AUDIO", "SUBTITLES"):
        key = (row.get("TYPE", ""), row.get("GROUP-ID", ""), row.get("LANGUAGE", ""))
        special = len(row.get("CHARACTERISTICS", ""))
        if special < seen.get(key, 0):
            yield f"{row.get('NAME', '')[:60]!r} comes after a more special one"
        seen[key] = max(special, seen.get(key, 0))


@note("PLAN-chapters")
def has_chapters(film: Film) -> Findings:
    """A source with chapters makes a film with chapters."""
    if film.plan.chapters and not film.master.named("EXT-X-SESSION-DATA"):
        yield f"{len(film.plan.chapters)} chapters are not published"
