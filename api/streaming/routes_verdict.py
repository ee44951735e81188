"""The verdict endpoint on the service's port: `/internal/verdict`, outside of everything else it does to a request.

For nginx alone, so without a service token: the ports of services are private. A verdict is asked thousands of times a
second; the framework around it would cost twice what the verdict does. See desk.py.
"""

from starlette.types import ASGIApp, Receive, Scope, Send

from api.streaming.desk import HEADERS, PATH, Desk
from api.streaming.validator import Question


class Verdicts:
    """The outermost layer of the service: answers verdicts, passes everything else on."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH:
            await self.app(scope, receive, send)
            return
        desk: Desk = scope["state"]["desk"]
        asked = {HEADERS[name]: str(value, "latin-1") for name, value in scope["headers"] if name in HEADERS}
        status, headers = await desk.answer(Question(**({"token": "", "video": ""} | asked)))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
