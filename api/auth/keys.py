"""The Ed25519 key of access tokens, derived from JWT_SECRET: every replica signs alike, and nothing is stored."""

import base64
import hashlib
import time
import uuid
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from api.identity import ISSUER, Role

ACCESS_S = 15 * 60


class SigningKey:
    """Signs access tokens (RFC 7519, EdDSA); `api.identity` verifies them by `jwks`."""

    def __init__(self, secret: str) -> None:
        seed = HKDF(SHA256(), 32, salt=None, info=b"streamify access token").derive(secret.encode())
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        x = self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self._public = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(x)}
        # RFC 7638: the thumbprint is over the required members alone, in this order.
        self.kid = _base64url(hashlib.sha256(msgspec.json.encode(self._public)).digest())

    def jwks(self) -> dict[str, Any]:
        """The JSON Web Key Set (RFC 7517, RFC 8037)."""
        return {"keys": [self._public | {"kid": self.kid, "alg": "EdDSA", "use": "sig"}]}

    def access_token(self, user_id: int, role: Role, name: str) -> str:
        """A token that speaks for a user for `ACCESS_S` seconds."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": ISSUER,
            "sub": str(user_id),
            "role": role,
            "name": name,
            "iat": now,
            "exp": now + ACCESS_S,
            "jti": uuid.uuid4().hex,
        }
        return jwt.encode(claims, self._private, "EdDSA", headers={"kid": self.kid})


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
