"""Questions of one turn of the event loop, asked together: a hundred verdicts at once are one round trip."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Generic, TypeVar

Question = TypeVar("Question", bound=Hashable)
Answer = TypeVar("Answer")


class Batch(Generic[Question, Answer]):
    """Call it with one question; equal ones are asked once. A failure of `ask` is everybody's in that turn."""

    def __init__(self, ask: Callable[[list[Question]], Awaitable[Mapping[Question, Answer]]]) -> None:
        self._ask = ask
        self._waiting: dict[Question, asyncio.Future[Answer | None]] = {}
        self._asking: set[asyncio.Task[None]] = set()

    async def __call__(self, question: Question) -> Answer | None:
        """The answer; None when `ask` gave none to this question."""
        future = self._waiting.get(question)
        if future is None:
            loop = asyncio.get_running_loop()
            if not self._waiting:
                loop.call_soon(self._send)
            future = self._waiting[question] = loop.create_future()
        # Shielded: whoever gives up waiting must not take the answer away from the others.
        return await asyncio.shield(future)

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, {}
        task = asyncio.ensure_future(self._answer(waiting))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _answer(self, waiting: dict[Question, asyncio.Future[Answer | None]]) -> None:
        try:
            found = await self._ask(list(waiting))
        except BaseException as error:
            for future in waiting.values():
                future.set_exception(error if isinstance(error, Exception) else ConnectionError("stopping"))
                future.exception()  # whoever asked may have given up; that is no news
            if not isinstance(error, Exception):
                raise
        else:
            for question, future in waiting.items():
                future.set_result(found.get(question))
