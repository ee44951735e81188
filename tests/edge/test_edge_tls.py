"""An edge that speaks TLS, in front of a gateway that does."""

import datetime
import ipaddress
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.edge.conftest import EdgeMaker
from tests.edge.test_edge import PIECE, viewing
from tests.nginx.gateways import SEGMENT


@pytest.fixture
def certificate(home: Path) -> dict[str, str]:
    """A certificate for 127.0.0.1 that nobody vouches for, as settings."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    places = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now - day, now + day).add_extension(places, True)
    form = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (home / "cert.pem").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    (home / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, *form))
    (home / "key.pem").chmod(0o644)
    return {"TLS_CERTIFICATE": str(home / "cert.pem"), "TLS_CERTIFICATE_KEY": str(home / "key.pem")}


async def test_an_edge_speaks_tls_to_viewers_and_to_its_gateway(edge: EdgeMaker, certificate: dict[str, str]) -> None:
    p, g, e, media = await viewing(edge, **certificate, PUBLIC_URL="https://127.0.0.1", ORIGIN_URL="")
    origin = f"https://127.0.0.1:{g.port}"
    assert p.settings.text("ORIGIN_URL") == origin
    async with httpx2.AsyncClient(verify=False) as http:
        answer = await http.get(f"{media.replace('http:', 'https:')}/{PIECE}")
        assert (answer.status_code, answer.content) == (200, SEGMENT)
    assert (await p.http.get(f"{e.url}/health")).json() == {"status": "ok"}
    assert (await p.http.get(f"{media}/{PIECE}")).status_code == 308
    assert [f.cache for f in await e.fetches(1)] == ["MISS"]
