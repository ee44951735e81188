"""What viewers notice when nobody can be asked for a verdict."""

import time
from pathlib import Path

from tests.conftest import PlatformMaker
from tests.nginx.gateways import SEGMENT, running
from tests.nginx.test_media import is_problem
from tests.nginx.wires import Wire, pointed
from tests.servers import free_port
from tests.streaming.playback import VIDEO, add_session, token_for

PIECE = f"{VIDEO}/1/360p/0-0-4000.m4s"


async def test_known_viewers_go_on_and_unknown_ones_wait_while_no_verdict_can_be_had(
    platform: PlatformMaker, home: Path
) -> None:
    own = {"STREAMIFY_HOME": str(home), "GATEWAY_PORT": str(free_port()), "MEDIA_RATE": "1000"}
    p = await platform("streaming", **own)
    async with Wire(p.settings.service_url("streaming")) as wire:
        with running(pointed(p.settings, "streaming", wire.url)) as g:
            g.write(PIECE)
            known, unknown = [f"{g.url}/v/{token_for(p, await add_session(p))}/{PIECE}" for _ in range(2)]
            assert (await p.http.get(known)).status_code == 200
            await wire.cut()
            refused = await p.http.get(unknown)
            assert is_problem(refused, 503, "unavailable")
            assert int(refused.headers["retry-after"]) > 0
            over = time.monotonic() + 11  # past what is fresh and what may be refreshed behind the viewer's back
            while time.monotonic() < over:
                answer = await p.http.get(known)
                assert (answer.status_code, answer.content) == (200, SEGMENT)
