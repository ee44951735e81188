"""Paths made to lead elsewhere: never a byte from outside, never an internal address."""

import pytest

from tests.nginx.conftest import GatewayMaker
from tests.nginx.gateways import SEGMENT
from tests.streaming.playback import VIDEO, add_session, token_for

SECRET = b"the secret outside the tree"
# Tried where a rendition, a segment or a page would stand; `{}` is what they try to reach.
STEPS = [
    b"../{}", b"..%2f{}", b"%2e%2e/{}", b"%2e%2e%2f{}", b".%2e/{}", b"..%252f{}", b"..%5c{}", b"..\\{}", b"....//{}",
    b"..;/{}", b"%c0%ae%c0%ae/{}", b"%c0%ae%c0%ae%c0%af{}", b"..%00/{}", b"{}%00", b"{}%00.m4s", b"./{}", b"//{}",
    b"%2f{}", b"%2F%2F{}", b"360p/../{}", b"360p/..%2f{}", b"{}/.", b"{}.", b"{}%20", b"{}%0a", b"{}?x=.m4s",
    b"{}#.m4s", b"%e0%80%ae%e0%80%ae/{}", b"%f0%80%80%ae%f0%80%80%ae/{}", b"%ef%bc%8e%ef%bc%8e/{}", b"%u002e%u002e/{}",
    b"..%c1%9c{}", b"..%ff/{}", b"..%0d/{}", b"..%09/{}", b"../{}/", b"..//{}", b".../{}", b"..%3b/{}", b";/../{}",
    b"x;y=../{}", b"%252e%252e%252f{}", b"%%32%65%%32%65/{}", b"..%2f%2e%2e%2f{}", b"{}~", b"{};.m4s", b"{}%23.m4s",
    b"{}%3f.m4s", b"{}::$DATA", b"{}%80", b"{}\x7f", b"{}/0-0-4000.m4s", b"360p/0-0-4000.m4s/../{}", b"360P/{}",
    b"~/{}", b"$uri/{}", b"$document_root{}", b"*/{}", b"http://x/{}", b"file:{}",
]  # fmt: skip
# Names close to one that is there: only the very name leads to the file.
ALMOST = [
    b"0-0-4000.M4S", b"0-0-4000.m4s.", b"0-0-4000.m4s%20", b"0-0-4000.m4s%00", b"0-0-4000.m4s/", b"0-0-4000.m4s;x",
    b"00-0-4000.m4s", b"0-00-4000.m4s", b"0-0-04000.m4s", b"-0-0-4000.m4s", b"+0-0-4000.m4s", b"0-0-4000.m4s%0a",
    b"0-0-4000.m4s%0d%0a", b"0-0-4000%2em4s.", b"0-0-4000.m4s~", b"0-0-4000.m4s.gz", b"0-0-4000", b".0-0-4000.m4s",
    b"\xd9\xa0-0-4000.m4s", b"%d9%a0-0-4000.m4s", b"0-0-4000.m4%73x", b"0_0_4000.m4s", b"0-0-4000.m4s%5c",
    b"0-0-4000.mp4", b"99999999-0-4000.m4s", b"0-0-99999999999.m4s", b"0" * 5000 + b"-0-4000.m4s",
]  # fmt: skip


@pytest.mark.parametrize("place", [b"/v/%s/7/1/", b"/v/%s/7/", b"/v/%s/", b"/v/", b"/media/7/1/", b"/assets/", b"/"])
async def test_no_path_leads_out_of_its_tree(gateway: GatewayMaker, place: bytes) -> None:
    p, g = await gateway("streaming")
    g.write(f"{VIDEO}/1/360p/0-0-4000.m4s")
    for name in ("secret.txt", f"{VIDEO}/1/secret.txt", f"{VIDEO}/1/360p/secret.txt"):
        g.write(name, SECRET)
    (g.settings.home / "secret.txt").write_bytes(SECRET)
    token = token_for(p, await add_session(p)).encode()
    for step in STEPS:
        for depth in range(6):
            path = place.replace(b"%s", token) + b"../" * depth + step.replace(b"{}", b"secret.txt")
            answer = await g.ask(path)
            assert answer.split(b" ")[1] in (b"400", b"403", b"404"), path
            assert SECRET not in answer, path


async def test_only_the_very_name_of_a_file_leads_to_it(gateway: GatewayMaker) -> None:
    p, g = await gateway("streaming")
    g.write(f"{VIDEO}/1/360p/0-0-4000.m4s")
    token = token_for(p, await add_session(p)).encode()
    for folder in (
        b"7/1/360p/",
        b"07/1/360p/",
        b"7/01/360p/",
        b"7/1/0360p/",
        b"+7/1/360p/",
        b"7/1/360P/",
        b"7%20/1/360p/",
    ):
        names = ALMOST if folder == b"7/1/360p/" else [b"0-0-4000.m4s"]
        for name in names:
            answer = await g.ask(b"/v/" + token + b"/" + folder + name)
            # 503: no videos service runs, which would know that a well-formed name will never be made.
            assert answer.split(b" ")[1] in (b"400", b"404", b"503"), folder + name
            assert SEGMENT[:64] not in answer


@pytest.mark.parametrize(
    "target",
    [
        b"http://127.0.0.1/internal/verdict",
        b"https://test/_verdict",
        b"HTTP://test/segments/7/1/360p/0-0-4000.m4s",
        b"//test/segments/7/1/360p/0-0-4000.m4s",
        b"*",
        b"test:443",
        b"/_https",
        b"/edge/7/1/360p/0-0-4000.m4s",
        b"/EDGE/health",
        b"/edge/../segments/7/1/360p/0-0-4000.m4s",
        b"/v/%2f/7/1/360p/0-0-4000.m4s",
        b"/V/x/7/1/360p/0-0-4000.m4s",
        b"/%76/x/7/1/360p/0-0-4000.m4s",
    ],
)
async def test_other_forms_of_a_target_lead_nowhere(gateway: GatewayMaker, target: bytes) -> None:
    _, g = await gateway("streaming")
    g.write("7/1/360p/0-0-4000.m4s")
    for method in (b"GET", b"HEAD", b"OPTIONS"):
        answer = await g.ask(target, method)
        assert answer.split(b" ")[1] in (b"400", b"403", b"404"), answer
        assert SEGMENT[:64] not in answer


@pytest.mark.parametrize(
    "path",
    [
        b"/7/1/360p/0-0-4000.m4s",
        b"/segments/7/1/360p/0-0-4000.m4s",
        b"//segments/7/1/360p/0-0-4000.m4s",
        b"/v/../segments/7/1/360p/0-0-4000.m4s",
        b"/%73egments/7/1/360p/0-0-4000.m4s",
        b"/media/7/1/360p/0-0-4000.m4s",
        b"/_verdict",
        b"/_problem",
        b"/@held",
        b"/internal/verdict",
        b"/internal/health-summary",
        b"/INTERNAL/verdict",
        b"/api/../internal/verdict",
        b"/api/stream/../../internal/health-summary",
        b"/api/stream/%2e%2e/%2e%2e/internal/health-summary",
        b"/api/stream/..%2f..%2finternal/health-summary",
        b"/api/stream/%252e%252e/%252e%252e/internal/health-summary",
        b"/api/internal/verdict",
        b"/metrics",
        b"/health/live",
        b"/nginx.conf",
    ],
)
async def test_what_is_internal_is_not_there(gateway: GatewayMaker, path: bytes) -> None:
    _, g = await gateway("streaming")
    g.write("7/1/360p/0-0-4000.m4s")
    for method in (b"GET", b"POST"):
        answer = await g.ask(path, method)
        assert answer.split(b" ")[1] == b"404"
        assert b"application/problem+json" in answer
        assert SEGMENT[:64] not in answer


@pytest.mark.parametrize(
    "same",
    [b"//v/%s/7//1/360p/0-0-4000.m4s", b"/v/%s/7/1/360p/%30-0-4000.m4s", b"/v/%s/7/1/x/../360p/0-0-4000.m4s"],
)
async def test_other_spellings_of_a_path_are_authorised_as_the_file_they_name(
    gateway: GatewayMaker, same: bytes
) -> None:
    p, g = await gateway("streaming")
    g.write("7/1/360p/0-0-4000.m4s")
    g.write("8/1/360p/0-0-4000.m4s")
    token = token_for(p, await add_session(p)).encode()
    assert (await g.ask(same.replace(b"%s", token))).split(b" ")[1] == b"200"
    foreign = same.replace(b"/7/", b"/7/../8/", 1).replace(b"%s", token)
    assert (await g.ask(foreign)).split(b" ")[1] == b"403"


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /" + b"x" * 40_000 + b" HTTP/1.1\r\nHost: test\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: test\r\nX: " + b"x" * 40_000 + b"\r\n\r\n",
        b"BREW / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: coffee\r\n\r\n",
    ],
)
async def test_a_broken_request_gets_a_problem_too(gateway: GatewayMaker, request_bytes: bytes) -> None:
    _, g = await gateway("streaming")
    head, _, body = (await g.raw(request_bytes)).partition(b"\r\n\r\n")
    assert head.split(b" ")[1] in (b"400", b"414", b"431", b"501")
    assert b"application/problem+json" in head
    assert head.split(b" ")[1] in body
