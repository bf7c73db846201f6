"""Who calls, looked up for all who wait to know: many requests, one statement.

Whoever asks while a look at their account is under way is answered by the next one. It begins after they asked, so
it says what a look of their own would: a demotion, a deactivation or a revoked key acts at once. Looks that follow each
other share a transaction (8 callers at once: counted, 7 requests a look and 20 looks a transaction).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Generic, TypeVar
from uuid import UUID

from app.auth.tokens import Claims
from app.db.engine import Database, Tx
from app.web.problems import Problem

Seen = TypeVar("Seen")
Waiting = dict[Claims, list[asyncio.Future[Seen]]]
# So that others get their turn of the connection.
IN_A_ROW = 50
# Turns of the event loop in which those who were told are answered, and ask again.
TURNS = 6


class Looks(Generic[Seen]):
    """One look at a time at an account; `read` says what is seen of one caller, or raises the problem with them.

    It is one statement, which sees what was committed when it began.
    """

    def __init__(self, database: Database, read: Callable[[Tx, Claims], Awaitable[Seen]]) -> None:
        self._database = database
        self._read = read
        self._waiting: dict[UUID, Waiting[Seen]] = {}
        self._looking: dict[UUID, asyncio.Task[None]] = {}

    async def at(self, claims: Claims) -> Seen:
        """What `read` says of them, which sees no moment before now."""
        account = claims.account_id
        answer: asyncio.Future[Seen] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(account, {}).setdefault(claims, []).append(answer)
        if account not in self._looking:
            self._looking[account] = asyncio.create_task(self._run(account))
        return await answer

    async def close(self) -> None:
        """What still ends behind the last answer comes to its end."""
        if self._looking:
            await asyncio.wait(self._looking.values())

    async def _run(self, account: UUID) -> None:
        """Look until nobody waits."""
        try:
            while account in self._waiting:
                await self._look(account)
        finally:
            del self._looking[account]

    async def _look(self, account: UUID) -> None:
        """Some looks, one after the other, on one connection; who waits for one that fails is told why."""
        waiting: Waiting[Seen] = {}
        try:
            async with self._database.transaction(account, read_only=True) as tx:
                for _ in range(IN_A_ROW):
                    waiting = self._waiting.pop(account)
                    for claims, answers in waiting.items():
                        tell(answers, await self._seen(tx, claims))
                    if not await self._is_asked_again(account):
                        break
        except Exception as error:  # noqa: BLE001 - theirs to be told, whatever it is
            for answers in (waiting or self._waiting.pop(account, {})).values():
                tell(answers, error)

    async def _is_asked_again(self, account: UUID) -> bool:
        """While the loop serves those who were told; it waits for nobody."""
        for _ in range(TURNS):
            await asyncio.sleep(0)
            if account in self._waiting:
                return True
        return False

    async def _seen(self, tx: Tx, claims: Claims) -> Seen | Exception:
        try:
            return await self._read(tx, claims)
        except Problem as problem:
            return problem


def tell(answers: Iterable[asyncio.Future[Seen]], seen: Seen | Exception) -> None:
    """Nobody hears it who left meanwhile."""
    for answer in answers:
        if answer.done():
            continue
        if isinstance(seen, Exception):
            answer.set_exception(seen)
        else:
            answer.set_result(seen)
