"""A certificate that nobody but the test trusts."""

import datetime
import ipaddress
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def settings_with(folder: Path, port: int) -> dict[str, str]:
    """Make a certificate of localhost in `folder`, and give the settings by which the gateway uses it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for file, content in (("cert.pem", made.public_bytes(serialization.Encoding.PEM)), ("key.pem", secret)):
        # By rename, as ACME clients do: on a reload, nginx keeps a certificate whose file has the same number and the
        # same second of change (ssl_object_cache_inheritable).
        fresh = folder / f"{file}.new"
        fresh.write_bytes(content)
        fresh.chmod(0o644)
        fresh.rename(folder / file)
    return {
        "TLS_CERTIFICATE": str(folder / "cert.pem"),
        "TLS_CERTIFICATE_KEY": str(folder / "key.pem"),
        "PUBLIC_URL": f"https://localhost:{port}",
        "GATEWAY_PORT": str(port),
    }


def trusting(folder: Path) -> ssl.SSLContext:
    """A client's context that trusts that certificate and no other."""
    return ssl.create_default_context(cafile=str(folder / "cert.pem"))
