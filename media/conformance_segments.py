"""Rules about init and media segments."""

from fractions import Fraction

from media import h264
from media.entries import aac_layout
from media.film import Film, Track
from media.rules import Findings, rule
from media.timeline import AAC_FRAME

AAC_LC = "mp4a.40.2"
HIGHEST_LEVEL = 52
PROFILES = {66: "Baseline", 77: "Main", 100: "High"}
FASTEST = 60


def one_sample(film: Film, track: Track) -> Fraction:
    """Seconds of a picture, or of an AAC frame: what times of a rendition may be off by."""
    return Fraction(AAC_FRAME, track.init.timescale) if track in film.sounds else 1 / film.plan.timeline.rate


def lasts_as_film(film: Film, track: Track, seconds: Fraction) -> bool:
    """To a picture or an AAC frame; copied sound may begin within a millisecond of the film."""
    return abs(seconds - film.plan.timeline.seconds) <= one_sample(film, track) + Fraction(1, 1000)


@rule("PLAN-whole")
def everything_is_there(film: Film) -> Findings:
    """Every planned file is there, and its boxes are what they say."""
    yield from film.damage
    yield from film.beside.damage


@rule("PLAN-samples")
def exact_samples(film: Film) -> Findings:
    """Each segment holds exactly the planned pictures or AAC frames."""
    for track in film.tracks:
        wanted = film.plan.samples(track.name)
        for index, (want, media) in enumerate(zip(wanted, track.media, strict=True)):
            if media.samples != want:
                yield f"{track.name}: segment {index} holds {media.samples} samples, not {want}"


@rule("PLAN-sound")
def aac_frames(film: Film) -> Findings:
    """Sound is AAC-LC at the planned rate: its clock counts samples, 1024 in each frame but the film's last."""
    for track in film.sounds:
        rate, _ = aac_layout(track.init.entry.config)
        planned = film.plan.track_named(track.name).rate
        if (track.init.codec, rate, track.init.timescale) != (AAC_LC, planned, planned):
            yield f"{track.name}: {track.init.codec} at {rate} Hz on a clock of {track.init.timescale}, not {planned}"
        for index, media in enumerate(track.media):
            short = media.samples * AAC_FRAME - media.duration
            if not 0 <= short < (AAC_FRAME if media is track.media[-1] else 1):
                yield f"{track.name}: segment {index} lasts {media.duration} samples in {media.samples} frames"


@rule("APL-1.1")
def known_codecs(film: Film) -> Findings:
    """Pictures are H.264: the only codec of Apple's four that we write."""
    for track in [*film.videos, *film.beside.iframes]:
        if track.init.entry.kind not in ("avc1", "avc3"):
            yield f"{track.name}: a sample entry {track.init.entry.kind!r}"


@rule("APL-1.2")
def fragmented(film: Film) -> Findings:
    """H.264 lies in fragmented MP4: no samples in the init segment (RFC 8216, 3.3), one fragment in a segment."""
    for track in [*film.tracks, *film.beside.iframes]:
        if not track.init.fragmented:
            yield f"{track.name}: its init segment holds samples, or promises no fragments"
        for index, media in enumerate(track.media):
            if len(media.tracks) != 1:
                yield f"{track.name}: segment {index} is of {len(media.tracks)} fragments"


@rule("APL-1.3b")
def playable_level(film: Film) -> Findings:
    """H.264 up to High 5.2, 8-bit 4:2:0, as the init segment tells it, in a level that allows its size and rate."""
    for track in [*film.videos, *film.beside.iframes]:
        if len(track.parameters) != 1:
            yield f"{track.name}: {len(track.parameters)} sequence parameter sets"
        for found in track.parameters:
            head = track.init.entry.config[1:4]
            if (found.profile, found.level) != (head[0], head[2]):
                yield f"{track.name}: avcC says {head.hex()}, its parameter set {found.profile} and {found.level}"
            if found.profile not in PROFILES or found.level > HIGHEST_LEVEL or (found.chroma, found.bits) != (1, 8):
                yield f"{track.name}: profile {found.profile}, level {found.level}, {found.bits} bits"
            if not found.fits(found.level, film.plan.timeline.rate):
                yield f"{track.name}: {found.width}x{found.height} is too much for level {found.level}"


@rule("APL-1.14")
def progressive(film: Film) -> Findings:
    """No interlaced pictures."""
    for track in [*film.videos, *film.beside.iframes]:
        if not all(found.progressive for found in track.parameters):
            yield f"{track.name}: its pictures may be interlaced"


@rule("APL-1.19")
def rate_below_sixty(film: Film) -> Findings:
    """Never more than 60 pictures a second; each rendition has the film's rate."""
    for track in film.videos:
        rate = sum(media.samples for media in track.media) / (track.times[-1] - track.times[0])
        if rate > FASTEST or abs(rate - film.plan.timeline.rate) > film.plan.timeline.rate / 1000:
            yield f"{track.name}: {float(rate):.3f} pictures a second, not {float(film.plan.timeline.rate):.3f}"


@rule("APL-2.11")
def one_layout(film: Film) -> Findings:
    """Channels change only at a discontinuity: one decoder configuration, of a known layout, for a whole track."""
    for track in film.sounds:
        _, channels = aac_layout(track.init.entry.config)
        if channels != film.plan.track_named(track.name).channels:
            yield f"{track.name}: {channels} channels"
        maps = {entry.map for entry in film.list_of(track.name).entries}
        if len(maps) > 1:
            yield f"{track.name}: {len(maps)} decoder configurations"


@rule("APL-2.15")
def sound_spans_the_film(film: Film) -> Findings:
    """Every audio rendition lasts as long as the film, to one AAC frame."""
    for track in film.sounds:
        if not lasts_as_film(film, track, track.times[-1]):
            yield f"{track.name}: ends at {float(track.times[-1]):.3f} s of {float(film.plan.timeline.seconds):.3f} s"


@rule("APL-2.17")
def one_stream(film: Film) -> Findings:
    """One stream in each segment, the one its init segment describes."""
    for track in [*film.tracks, *film.beside.iframes]:
        if len(track.init.tracks) != 1:
            yield f"{track.name}: {len(track.init.tracks)} tracks in its init segment"
        for index, media in enumerate(track.media):
            if set(media.tracks) != set(track.init.tracks):
                yield f"{track.name}: segment {index} is of tracks {media.tracks}, not {track.init.tracks}"


@rule("APL-7.3")
def contiguous_decode_times(film: Film) -> Findings:
    """Each decode time is the one before plus what that segment lasts, from 0 on (and so APL-7.1)."""
    for track in film.tracks:
        at = 0
        for index, media in enumerate(track.media):
            if media.decode_time != at:
                yield f"{track.name}: segment {index} starts at {media.decode_time}, not at {at}"
            at = media.decode_time + media.duration


@rule("APL-7.4")
def starts_with_idr(film: Film) -> Findings:
    """Every video segment begins with an IDR picture, by its NAL unit and not only by what the boxes say."""
    for track in film.videos:
        for index, (media, kind) in enumerate(zip(track.media, track.slices, strict=True)):
            if not media.starts_with_sync or kind != h264.IDR:
                yield f"{track.name}: segment {index} starts with a slice of type {kind}"


@rule("APL-7.7")
def short_segments(film: Film) -> Findings:
    """No segment lasts longer than the target duration by more than half a second."""
    for track in film.tracks:
        most = film.list_of(track.name).target + Fraction(1, 2)
        for index, (start, end) in enumerate(zip(track.times, track.times[1:], strict=False)):
            if end - start > most:
                yield f"{track.name}: segment {index} lasts {float(end - start):.3f} s"


@rule("RFC-PT-VOD")
def starts_at_zero(film: Film) -> Findings:
    """One edit, no empty one before it, cancels reordering or priming: all renditions start together."""
    for track in film.tracks:
        first = film.plan.track_named(track.name).lead if track in film.sounds else track.media[0].first_offset
        if [media_time for _, media_time in track.init.edits] != [first]:
            yield f"{track.name}: edits {track.init.edits} where one at {first} belongs"


@rule("RFC-SYNC")
def matching_times(film: Film) -> Findings:
    """Segments of all variants begin at the same times; sound is cut less than a frame before, and never after."""
    boundaries = [film.plan.timeline.start(index) for index in range(film.plan.timeline.count)]
    for track in film.tracks:
        late = 0 if track in film.sounds else one_sample(film, track) / 2
        for index, (at, boundary) in enumerate(zip(track.times[:-1], boundaries, strict=True)):
            if not -one_sample(film, track) < at - boundary <= late:
                yield f"{track.name}: segment {index} starts at {float(at):.4f} s, not at {float(boundary):.4f} s"
