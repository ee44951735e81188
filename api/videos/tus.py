"""The grammar of tus 1.0 headers: pure functions that raise the problems the protocol names.

https://tus.io/protocols/resumable-upload, with creation, creation-with-upload, expiration, checksum and termination.
"""

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass

from api.problems import InvalidRequest, Problem

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,expiration,checksum,termination"
ALGORITHMS = ("sha1", "sha256", "md5")
CONTENT_TYPE = "application/offset+octet-stream"
MAX_METADATA = 16384
_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")


class WrongVersion(Problem):
    code, status = "tus_version", 412
    detail = "This server speaks tus 1.0.0: send the header Tus-Resumable: 1.0.0."


class BadHeader(Problem):
    code, status = "bad_request", 400
    detail = "A header of this upload request is missing or wrong."


class WrongContentType(Problem):
    code, status = "bad_content_type", 415
    detail = f"Send the bytes of an upload as {CONTENT_TYPE}."


class ChecksumMismatch(Problem):
    code, status = "checksum_mismatch", 460
    detail = "These bytes do not match their checksum, so they were dropped. Send them again."


@dataclass(frozen=True)
class Checksum:
    """What the bytes of one PATCH must hash to."""

    algorithm: str
    digest: bytes

    def matches(self, digest: bytes) -> bool:
        return hmac.compare_digest(self.digest, digest)


def parse_number(name: str, text: str | None) -> int:
    """`Upload-Length` and `Upload-Offset`: a whole number of bytes; raises BadHeader."""
    if text is None or not _NUMBER.fullmatch(text):
        raise BadHeader(f"{name} must be a whole number of bytes.")
    return int(text)


def parse_checksum(text: str | None) -> Checksum | None:
    """`Upload-Checksum: sha1 <base64>`; raises BadHeader for an unknown algorithm or a broken digest."""
    if text is None:
        return None
    algorithm, _, encoded = text.partition(" ")
    if algorithm not in ALGORITHMS:
        raise BadHeader(f"Upload-Checksum must use one of {', '.join(ALGORITHMS)}.")
    try:
        digest = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadHeader("The digest of Upload-Checksum is not base64.") from error
    if len(digest) != hashlib.new(algorithm, usedforsecurity=False).digest_size:
        raise BadHeader(f"The digest of Upload-Checksum does not have the length of {algorithm}.")
    return Checksum(algorithm, digest)


def parse_metadata(text: str) -> dict[str, str]:
    """`Upload-Metadata: key <base64>, key <base64>`; raises InvalidRequest for what is not UTF-8 or comes twice."""
    if len(text) > MAX_METADATA:
        raise _refused("Upload-Metadata", f"is longer than {MAX_METADATA} characters")
    found: dict[str, str] = {}
    for pair in filter(None, (p.strip() for p in text.split(","))):
        key, _, encoded = pair.partition(" ")
        if key in found:
            raise _refused(key, "is given twice")
        try:
            found[key] = base64.b64decode(encoded, validate=True).decode()
        except (binascii.Error, ValueError) as error:
            raise _refused(key, "is not UTF-8 text in base64") from error
    return found


def _refused(field: str, message: str) -> InvalidRequest:
    return InvalidRequest(errors=[{"field": field[:100], "message": message}])
