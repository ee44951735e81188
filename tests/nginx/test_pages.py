"""The pages: which addresses there are, and the headers that guard them."""

import pytest

from tests.nginx.conftest import GatewayMaker


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/", "index"),
        ("/watch", "watch"),
        ("/watch?v=7", "watch"),
        ("/upload", "upload"),
        ("/wallet", "wallet"),
        ("/queue", "queue"),
        ("/signin", "signin"),
        ("/statement?month=2026-07", "statement"),
        ("/proof?session=s", "proof"),
        ("/billing", "billing"),
        ("/analytics?period=90", "analytics"),
        ("/studio?v=7", "studio"),
        ("/history", "history"),
        ("/money", "money"),
    ],
)
async def test_each_page_has_its_address(gateway: GatewayMaker, path: str, page: str) -> None:
    p, g = await gateway("streaming")
    answer = await p.http.get(g.url + path)
    assert (answer.status_code, answer.text) == (200, f"<!doctype html><title>{page}</title>")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path", ["/watch/", "/watch.html", "/index.html", "/Watch", "/nothing", "/assets/", "/assets/x.js", "/assets"]
)
async def test_there_are_no_other_pages(gateway: GatewayMaker, path: str) -> None:
    p, g = await gateway("streaming")
    answer = await p.http.get(g.url + path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["code"] == "not_found"


async def test_a_page_may_load_only_what_is_ours(gateway: GatewayMaker) -> None:
    p, g = await gateway("streaming")
    headers = (await p.http.get(f"{g.url}/watch")).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert policy["worker-src"] == "'self' blob:"
    assert policy["media-src"] == "'self' blob: data:"  # hls.js makes its captions tracks of empty documents
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert (headers["referrer-policy"], headers["x-content-type-options"]) == ("no-referrer", "nosniff")
    assert (headers["x-frame-options"], headers["server"]) == ("DENY", "nginx")


async def test_hashed_files_are_kept_for_ever_and_compressed(gateway: GatewayMaker) -> None:
    p, g = await gateway("streaming")
    answer = await p.http.get(f"{g.url}/assets/index-abc123.js", headers={"accept-encoding": "gzip"})
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.text == "export {};\n" * 500
