"""Every call from one process to another, one function each: the map of who depends on whom.

Callers show a 60-second service token. A problem of the callee travels on as `Relayed`, same code, status and words;
a callee that does not answer is `Unavailable`.
"""

import ssl
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Self
from urllib.parse import urlencode

import httpx2
import msgspec

from api.identity import service_token
from api.problems import NotFound, Problem, Unavailable
from api.settings import Settings
from api.wire import (
    Counted,
    DayCounts,
    Hold,
    Lease,
    MadeOperator,
    NewRendition,
    NewUnit,
    Noted,
    Opens,
    Person,
    Poster,
    Quality,
    Told,
    Unit,
    VideoFacts,
)
from media.webvtt import Captions

__all__ = [
    "Captions", "Clients", "Counted", "DayCounts", "Hold", "Lease", "MadeOperator", "NewRendition", "NewUnit",
    "Noted", "Opens", "Person", "Poster", "Quality", "Told", "Unit", "VideoFacts", "relayed",
]  # fmt: skip


@cache
def _trusted() -> ssl.SSLContext:
    """Whom an https address must be signed by. Reading them takes 40 ms, and a worker opens a client for each bell."""
    return httpx2.create_ssl_context()


class Clients:
    """One HTTP client per process; use as an async context manager."""

    def __init__(self, settings: Settings, caller: str, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self._settings, self._caller = settings, caller
        timeout = httpx2.Timeout(10.0, connect=2.0)
        self._http = httpx2.AsyncClient(timeout=timeout, transport=transport, verify=_trusted())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def health(self, service: str) -> str:
        """What a service says of itself: ok or degraded; down when it says nothing."""
        try:
            response = await self._http.get(self._settings.service_url(service) + "/health", timeout=3)
        except httpx2.HTTPError:
            return "down"
        return "ok" if response.status_code == 200 else "degraded"

    # auth

    async def auth_jwks(self) -> dict[str, Any]:
        return await self._call("auth", "GET", "/.well-known/jwks.json", dict[str, Any])

    async def auth_people(self, ids: Sequence[int]) -> list[Person]:
        """Names of users; unknown ids are left out."""
        return await self._call("auth", "GET", f"/internal/users?ids={_joined(ids)}", list[Person])

    async def auth_make_operator(self, email: str) -> MadeOperator:
        return await self._call("auth", "POST", "/internal/operators", MadeOperator, {"email": email})

    # videos

    async def videos_facts(self, ids: Sequence[int]) -> list[VideoFacts]:
        """Facts of videos; unknown and deleted ids are left out."""
        return await self._call("videos", "GET", f"/internal/videos?ids={_joined(ids)}", list[VideoFacts])

    async def videos_fact(self, video_id: int) -> VideoFacts:
        """Facts of one video; raises NotFound."""
        found = await self.videos_facts([video_id])
        if not found:
            raise NotFound("There is no such video.")
        return found[0]

    async def videos_count_play(self, video_id: int) -> None:
        """One more playback of a video, which is what `popular` sorts by. Best effort: nothing hangs on it."""
        await self._call("videos", "POST", f"/internal/videos/{video_id}/plays", None)

    async def videos_captions(self, video_id: int) -> list[Captions]:
        """What captions a video is to have, by language; none for a video that is gone."""
        return await self._call("videos", "GET", f"/internal/videos/{video_id}/captions", list[Captions])

    async def videos_poster(self, video_id: int) -> Poster | None:
        """The poster somebody chose for a video; None when nobody did."""
        return await self._call("videos", "GET", f"/internal/videos/{video_id}/poster", Poster | None)

    async def units_claim(self, queue: str, worker: str, *, held: bool = False) -> Unit | None:
        """The best claimable unit of a queue under a fresh lease and fence, or None. `held`: only if a viewer waits."""
        body = {"queue": queue, "worker": worker, "held": held}
        return await self._call("videos", "POST", "/internal/units/claim", Unit | None, body)

    async def units_renew(
        self, unit: Unit, done_segments: int, speed: float, made_ms: int = 0, end_segment: int | None = None
    ) -> Lease:
        """Prolong the lease and report progress; 409 `lease_lost` when the fence is no longer ours.

        `made_ms` is how much media the encoder has made so far, `end_segment` where the worker is going to stop:
        nobody else is given what lies before that.
        """
        body = self._fenced(unit, done_segments=done_segments, speed=speed, made_ms=made_ms, end_segment=end_segment)
        return await self._call("videos", "PUT", f"/internal/units/{unit.id}/lease", Lease, body)

    async def units_planned(
        self, unit: Unit, plan: dict[str, Any], renditions: list[NewRendition], units: list[NewUnit]
    ) -> None:
        """End a probe: store the plan, open its units, publish the generation as playable. Repeating it is harmless."""
        body = {"fence": unit.fence, "plan": plan, "renditions": renditions, "units": units}
        await self._call("videos", "POST", f"/internal/units/{unit.id}/planned", None, body)

    async def units_done(self, unit: Unit, result: dict[str, Any], opens: Opens | None = None) -> None:
        """End a unit of any other kind, and bring about what it `opens`, once, however often this is repeated.

        The last one opens the finish; the finish makes the video ready.
        """
        body = self._fenced(unit, result=result, opens=opens)
        await self._call("videos", "POST", f"/internal/units/{unit.id}/done", None, body)

    async def units_fail(self, unit: Unit, code: str, message: str, *, permanent: bool) -> None:
        """End an attempt in failure; a permanent one fails the job at once, others are tried again, three times."""
        body = self._fenced(unit, code=code, message=message, permanent=permanent)
        await self._call("videos", "POST", f"/internal/units/{unit.id}/fail", None, body)

    async def videos_sweep(self) -> dict[str, int]:
        """Expire leases, ring for what nobody took, drop stale uploads and files of deleted videos."""
        return await self._call("videos", "POST", "/internal/sweep", dict[str, int])

    # streaming

    async def streaming_set_spent(
        self, session_id: str, word: int, *, spent: bool, final: bool, limited: bool = False
    ) -> None:
        """Billing says that a session's money is gone (verdicts become 402), is `final`, or is there again.

        `limited`: by its user's daily limit. Of two words about a session the one with the higher number holds.
        """
        path = f"/internal/sessions/{session_id}/spent"
        body = {"word": word, "spent": spent, "final": final, "limited": limited}
        await self._call("streaming", "PUT", path, None, body)

    async def streaming_quality(self, session_id: str) -> Quality:
        """What the player told of a session; raises NotFound as `Relayed`."""
        return await self._call("streaming", "GET", f"/internal/sessions/{session_id}/quality", Quality)

    async def streaming_told(self, through: datetime, session_id: str, limit: int) -> list[Told]:
        """What players told of ended sessions, in the order of their last change, from behind this one on."""
        since = urlencode({"through": through.isoformat(), "session_id": session_id, "limit": limit})
        return await self._call("streaming", "GET", f"/internal/sessions/told?{since}", list[Told])

    async def streaming_end_sessions(
        self, *, video_id: int | None = None, user_id: int | None = None, deleted: bool = False
    ) -> None:
        """End all live sessions of a video (`deleted` or withdrawn from the public) or of a disabled user."""
        body = {"video_id": video_id, "user_id": user_id, "deleted": deleted}
        await self._call("streaming", "POST", "/internal/sessions/end", None, body)

    async def streaming_sweep(self) -> dict[str, int]:
        """End sessions silent for 90 s."""
        return await self._call("streaming", "POST", "/internal/sweep", dict[str, int])

    # billing

    async def billing_open_account(self, user_id: int) -> None:
        """Make sure that a wallet exists; repeating it is harmless."""
        await self._call("billing", "POST", "/internal/accounts", None, {"user_id": user_id})

    async def billing_open_hold(self, session_id: str, user_id: int, video: VideoFacts, *, free: bool) -> Hold:
        """Hold the first two minutes for a session; 402 `insufficient_balance` under one affordable minute."""
        body = {
            "session_id": session_id,
            "user_id": user_id,
            "video_id": video.id,
            "creator_id": video.uploaded_by,
            "price_per_minute": video.price_per_minute,
            "duration_ms": video.duration_ms,
            "audio_only": video.audio_only,
            "preview_ms": video.preview_ms,
            "free": free,
        }
        return await self._call("billing", "POST", "/internal/holds", Hold, body)

    async def billing_hold(self, session_id: str) -> Hold:
        return await self._call("billing", "GET", f"/internal/holds/{session_id}", Hold)

    async def billing_end_hold(self, session_id: str, wall_ms: int, rate: float) -> Hold:
        """Settle a session that lived `wall_ms` at a fastest playback `rate`: forgive, release. Idempotent."""
        body = {"wall_ms": wall_ms, "rate": rate}
        return await self._call("billing", "POST", f"/internal/holds/{session_id}/end", Hold, body)

    async def billing_sweep(self) -> dict[str, int]:
        """Release holds of sessions nobody ended; send what the outbox still owes."""
        return await self._call("billing", "POST", "/internal/sweep", dict[str, int])

    async def billing_reconcile(self, day: str | None, *, nightly: bool) -> dict[str, int] | None:
        """Begin a check of the books: its `id`, and `since_ms`, when the oldest watch was opened that it looks at.

        None when the nightly check of that day is done; 409 `being_reconciled` while somebody is at it.
        """
        body = {"day": day, "nightly": nightly}
        return await self._call("billing", "POST", "/internal/reconciliations", dict[str, int] | None, body)

    async def billing_differences(self, reconciliation_id: int, found: Sequence[dict[str, Any]]) -> Noted:
        """Differences, 200 at most; each becomes an incident once, and gives back once what was charged too much."""
        path = f"/internal/reconciliations/{reconciliation_id}/differences"
        return await self._call("billing", "POST", path, Noted, {"found": list(found)})

    async def billing_reconciled(self, reconciliation_id: int, done: dict[str, Any]) -> None:
        """A check of the books is done."""
        await self._call("billing", "PUT", f"/internal/reconciliations/{reconciliation_id}", None, done)

    async def billing_not_reconciled(self, reconciliation_id: int) -> None:
        """A check of the books could not be done: another may try."""
        await self._call("billing", "DELETE", f"/internal/reconciliations/{reconciliation_id}", None)

    async def billing_webhook(self, provider: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Deliver a payment provider's message as it would itself: signed, without a service token."""
        url = self._settings.service_url("billing") + f"/api/billing/webhooks/{provider}"
        try:
            response = await self._http.post(url, content=body, headers=dict(headers))
        except httpx2.HTTPError as error:
            raise Unavailable("The billing service does not answer. Try again in a moment.") from error
        if response.status_code >= 400:
            raise relayed("billing", response.status_code, response.content)

    # analytics

    async def analytics_track(self, events: Sequence[dict[str, Any]]) -> None:
        """Events with unique ids; repeating them changes nothing."""
        await self._call("analytics", "POST", "/api/analytics/track", None, {"events": list(events)})

    async def analytics_sweep(self) -> dict[str, int]:
        """Make room for the detail to come, and drop what is old."""
        return await self._call("analytics", "POST", "/internal/sweep", dict[str, int])

    async def analytics_forget_user(self, user_id: int) -> dict[str, int]:
        """What an erased user watched belongs to nobody from now on; repeating it is harmless."""
        return await self._call("analytics", "DELETE", f"/internal/users/{user_id}", dict[str, int])

    async def analytics_days(self, since_ms: int, until_ms: int) -> Counted:
        """What was counted by video and UTC day, of days that begin in [since_ms, until_ms)."""
        return await self._call("analytics", "GET", f"/internal/days?since_ms={since_ms}&until_ms={until_ms}", Counted)

    def _fenced(self, unit: Unit, **fields: object) -> dict[str, object]:
        return {"fence": unit.fence, **fields}

    async def _call(self, callee: str, method: str, path: str, wire: Any, body: object = None) -> Any:
        token = service_token(self._settings.secret("SERVICE_SECRET"), self._caller, callee)
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        content = None if body is None else msgspec.json.encode(body)
        url = self._settings.service_url(callee) + path
        try:
            response = await self._http.request(method, url, content=content, headers=headers)
        except httpx2.HTTPError as error:
            raise Unavailable(f"The {callee} service does not answer. Try again in a moment.") from error
        if response.status_code >= 400:
            raise relayed(callee, response.status_code, response.content)
        return None if wire is None else msgspec.json.decode(response.content or b"null", type=wire)


def relayed(callee: str, status: int, content: bytes) -> Problem:
    """The callee's own problem, to be shown to our caller; a 5xx or unreadable answer is Unavailable."""
    try:
        body = msgspec.json.decode(content, type=dict[str, Any])
    except msgspec.DecodeError:
        body = {}
    if status >= 500 or "code" not in body:
        return Unavailable(f"The {callee} service failed ({status}). Try again in a moment.")
    shown = type("Relayed", (Problem,), {"code": str(body["code"]), "status": status})
    extra = {k: v for k, v in body.items() if k not in ("type", "title", "status", "detail", "code", "request_id")}
    problem: Problem = shown(str(body.get("detail", "")), **extra)
    return problem


def _joined(ids: Sequence[int]) -> str:
    return ",".join(str(i) for i in ids)
