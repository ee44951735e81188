"""What our processes tell each other: the bodies and answers of the calls in `api/clients.py`."""

from datetime import datetime
from typing import Any

import msgspec


class Person(msgspec.Struct, frozen=True):
    id: int
    name: str


class MadeOperator(msgspec.Struct, frozen=True):
    """`password` only when the account was created now; `name` and `since` tell whose account an existing one is."""

    id: int
    email: str
    name: str
    since: datetime
    password: str | None = None


class VideoFacts(msgspec.Struct, frozen=True):
    """What other services need to know of a video. `generation` 0: nothing is published yet. `bandwidths` in bit/s."""

    id: int
    title: str
    uploaded_by: int
    price_per_minute: int
    duration_ms: int
    status: str
    visibility: str
    generation: int
    audio_only: bool = False
    preview_ms: int = 0
    bandwidths: dict[str, int] = {}


class Unit(msgspec.Struct, frozen=True):
    """A claimed unit: the piece one worker encodes. `plan` is `media.plan`'s document, {} for a probe.

    `level`: the sound of this video is to be brought to the common loudness. `held`: a viewer waits for its beginning.
    """

    id: int
    fence: int
    lease_s: float
    kind: str
    job_id: int
    video_id: int
    generation: int
    source: str
    filename: str
    renditions: list[str]
    first_segment: int
    end_segment: int
    attempt: int
    plan: dict[str, Any]
    level: bool = True
    held: bool = False


class Lease(msgspec.Struct, frozen=True):
    """`stop` is set when the job was cancelled or paused: kill the encode and give the unit back.

    `end_segment` is where the unit ends by now: a viewer may have had its rest carved off for another worker.
    """

    stop: bool
    end_segment: int


class NewUnit(msgspec.Struct, frozen=True):
    """A unit to be opened. `queue` is interactive, batch, or held: made only if a viewer asks, or once it is adopted.

    Lower `rank` goes first within a job.
    """

    kind: str
    queue: str
    renditions: list[str]
    first_segment: int
    end_segment: int
    rank: int


class NewRendition(msgspec.Struct, frozen=True):
    """`kind` is video, audio, text or iframes; `bandwidth` in bit/s."""

    name: str
    kind: str
    width: int
    height: int
    bandwidth: int
    codecs: str
    language: str = ""


class Opens(msgspec.Struct, frozen=True):
    """What the end of a unit brings about in its job: keys of the plan replaced, renditions promised, units opened.

    `adopt` names renditions whose held units are made in any case from now on. `again`: nothing of that, for the plan
    was wrong; the job begins anew, in the next generation.
    """

    plan: dict[str, Any] = {}
    renditions: list[NewRendition] = []
    units: list[NewUnit] = []
    adopt: list[str] = []
    again: bool = False


class Poster(msgspec.Struct, frozen=True):
    """A poster somebody chose: the picture uploaded under the name `source`, or the film's own at `at_ms`."""

    revision: int
    source: str | None
    at_ms: int | None


class Hold(msgspec.Struct, frozen=True):
    """Billing's state of one session. Money in micro-units, `balance` in minor units, media time in ms.

    `state`: open, spent (refuse media), ended. `final`: nothing more can be held, the last seconds play out;
    `limited`: what is left is bounded by the user's own daily limit, not by the balance. The film's first `preview_ms`
    are free.
    """

    session_id: str
    state: str
    final: bool
    balance: int
    balance_micros: int
    held_micros: int
    charged_micros: int
    charged: int
    delivered_ms: int
    forgiven_ms: int
    minutes_left: float | None
    low_balance: bool
    limited: bool = False
    preview_ms: int = 0


class Noted(msgspec.Struct, frozen=True):
    """What became of differences in the books: how many are news, how many were settled before."""

    differences: int
    settled: int


class Quality(msgspec.Struct, frozen=True):
    """What a player told of a session, and how long that lived. All but `wall_ms` is its viewer's own word."""

    session_id: str
    wall_ms: int
    startup_ms: int | None
    stalls: int | None
    stall_ms: int | None


class Told(msgspec.Struct, frozen=True):
    """What the player of an ended session told of it, and when that last changed."""

    session_id: str
    video_id: int
    user_id: int
    started_at: datetime
    changed_at: datetime
    startup_ms: int | None
    stalls: int
    stall_ms: int
    dropped_frames: int


class DayCounts(msgspec.Struct, frozen=True):
    """What analytics counted of a video on a UTC day."""

    video_id: int
    day_ms: int
    watch_ms: int
    gross_micros: int
    refund_micros: int


class Counted(msgspec.Struct, frozen=True):
    """What analytics counted, and how far it had read each stream: generation and byte."""

    positions: dict[str, tuple[int, int]]
    days: list[DayCounts]
