"""Argon2id on a few threads: a hash costs 0.1 s of a core and 64 MiB, so unbounded it would be a bomb."""

import asyncio
import os
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Self

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from api.auth.attempts import Attempts

THREADS_PER_CORE = 2


class Passwords:
    """Hashes and checks passwords (RFC 9106 low-memory parameters); use as a context manager."""

    def __init__(self, attempts: Attempts) -> None:
        self._attempts = attempts
        self._hasher = PasswordHasher()
        self._threads = ThreadPoolExecutor(THREADS_PER_CORE * (os.cpu_count() or 1), "argon2")
        self._nobodys = self._hasher.hash(secrets.token_urlsafe())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(cancel_futures=True)

    async def hash(self, password: str) -> str:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._hasher.hash, password)

    async def proves(self, password: str, hashed: str | None, email: str, address: str) -> bool:
        """Whether `password` belongs to `hashed`; raises TooManyAttempts.

        No hash (nobody has that email) takes as long and is False.
        """
        await self._attempts.begin(email, address)
        loop = asyncio.get_running_loop()
        if not await loop.run_in_executor(self._threads, self._verify, hashed or self._nobodys, password):
            return False
        await self._attempts.succeeded(email, address)
        return True

    def is_outdated(self, hashed: str) -> bool:
        """Made with other parameters than today's: hash again while the password is at hand."""
        return self._hasher.check_needs_rehash(hashed)

    def _verify(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except VerifyMismatchError:
            return False
