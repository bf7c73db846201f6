"""A pass of one processor over what waits for it: bounded in files and time, isolated from the other processors.

    processors()                                                     who there is, by name
    await run_processor(database, storage, account, name, Budget())  one pass; what it did, as the API shows it
    await backlog(tx, processor)                                     what waits, since when, what was set aside
    await sweep(database, storage, account)                          files that no row names any more go
    await discard(database, storage, account)                        and those that the account keeps no longer

Two passes of one processor over one account at once do no harm, but only one of them gets anywhere: give it a lease.
"""

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog

from app.db.attempts import attempt
from app.db.engine import Database, Tx
from app.transcripts.hands import Fault, Hand
from app.transcripts.portions import PORTION, Desk, Reading, write
from app.transcripts.processors.contract import Processor
from app.transcripts.processors.installed import is_ours, processors
from app.transcripts.state import BACKLOG, QUARANTINED, File, Superseded, due, failed, save
from app.transcripts.storage import ABANDONED, Storage

__all__ = ["Budget", "backlog", "discard", "has_unwanted", "processors", "quarantined", "run_processor", "sweep"]

log = structlog.get_logger("tally.pipeline")
MOST_ERRORS = 100
DISCARDED_AT_ONCE = 200
# What one transaction takes of small logs.
MOST_TOGETHER, LARGEST_BUNDLE = 64, PORTION
SETTINGS = "SELECT id, workspace_labels, workspace_salt FROM accounts WHERE id = $1"
NAMED = "SELECT storage_key FROM transcripts WHERE account_id = $1 AND storage_key = ANY ($2)"
# An account that has since chosen to keep none.
ARE_UNWANTED = """
    SELECT NOT a.keep_transcripts AND EXISTS (
        SELECT FROM transcripts t
        WHERE t.account_id = $1 AND t.processed_at IS NOT NULL AND t.storage_key IS NOT NULL)
    FROM accounts a WHERE a.id = $1
"""
UNWANTED = f"""
    SELECT t.id FROM transcripts t JOIN accounts a ON a.id = $1
    WHERE t.account_id = $1 AND NOT a.keep_transcripts AND t.processed_at IS NOT NULL AND t.storage_key IS NOT NULL
    ORDER BY t.id LIMIT {DISCARDED_AT_ONCE} FOR NO KEY UPDATE OF t
"""
DISCARD = """
    UPDATE transcripts t SET storage_key = NULL WHERE t.account_id = $1 AND t.id = ANY ($2)
    RETURNING old.storage_key
"""


@dataclass(frozen=True)
class Budget:
    """How much one pass may do; what is left waits for the next."""

    files: int = 500
    seconds: float = 30.0


@dataclass
class Details:
    """scanned = processed + skipped + errors. Skipped: left for the next pass, or read by somebody else."""

    processor: str
    scanned: int = 0
    processed: int = 0
    skipped: int = 0
    errors: int = 0
    items_extracted: int = 0
    errors_detail: list[dict[str, str]] = field(default_factory=list)


async def run_processor(
    database: Database, storage: Storage, account: UUID, processor: str, budget: Budget
) -> dict[str, Any]:
    """Raises KeyError for a processor that is not installed, and what the database raises when it is away."""
    details, known = Details(processor), processors()
    async with database.transaction(account, read_only=True) as tx:
        settings = await tx.driver.fetchrow(SETTINGS, account)
    if settings is None:
        return asdict(details)
    hand = Hand.of(known[processor], settings)
    desk = Desk(database, storage, settings, known[processor], tuple(known.values()), hand)
    try:
        await make_pass(desk, budget, details)
    finally:
        await hand.end()
    return asdict(details)


async def make_pass(desk: Desk, budget: Budget, details: Details) -> None:
    until, seen = time.monotonic() + budget.seconds, set[UUID]()
    while len(seen) < budget.files and time.monotonic() < until:
        files = await waiting(desk, seen)
        for bundle in bundles(desk, files[: budget.files - len(seen)]):
            seen.update(file.id for file in bundle)
            if len(bundle) == 1 or time.monotonic() >= until or not await take_together(desk, bundle, details):
                for file in bundle:
                    await take(desk, file, until, details)
        if not files:
            break


def bundles(desk: Desk, files: Iterable[File]) -> Iterator[list[File]]:
    """Small logs of one member that follow one another: a transaction costs more than what they say.

    One that failed is read by itself, and so is any by another package's processor, which may take its time.
    """
    bundle, size = list[File](), 0
    for file in files:
        left, first = file.size - file.state.byte_offset, bundle[0] if bundle else file
        is_alone = not is_ours(desk.processor) or file.state.attempts > 0
        full = len(bundle) >= MOST_TOGETHER or size + left > LARGEST_BUNDLE
        if bundle and (is_alone or full or (file.user_id, file.is_admin) != (first.user_id, first.is_admin)):
            yield bundle
            bundle, size = [], 0
        if is_alone:
            yield [file]
        else:
            bundle.append(file)
            size += left
    if bundle:
        yield bundle


async def take_together(desk: Desk, files: Sequence[File], details: Details) -> bool:
    """All of them, or none: then each is to be taken by itself, which shows whose fault it was."""
    try:
        found = []
        for file in files:
            reading = Reading(desk, file)
            await reading.begin()
            found.append(await reading.look())
        await write(desk, found)
    except (Fault, Superseded):
        return False
    done = sum(each.state.sha256 is not None for each in found)
    details.scanned += len(files)
    details.processed += done
    details.skipped += len(files) - done
    details.items_extracted += sum(each.result.items for each in found)
    return True


async def waiting(desk: Desk, seen: Collection[UUID]) -> list[File]:
    async with desk.database.transaction(desk.account["id"], read_only=True) as tx:
        return await due(tx, desk.processor, datetime.now(UTC), seen)


async def take(desk: Desk, file: File, until: float, details: Details) -> None:
    """One log, as far as time allows. Its trouble is its own."""
    details.scanned += 1
    if time.monotonic() >= until:
        details.skipped += 1
        return
    reading = Reading(desk, file)
    try:
        await reading.begin()
        while not reading.is_read and time.monotonic() < until:
            details.items_extracted += await reading.step()
    except Superseded:
        details.skipped += 1
    except Fault as fault:
        details.errors += 1
        if len(details.errors_detail) < MOST_ERRORS:
            details.errors_detail.append({"transcript_id": str(file.id), "name": file.name, "detail": str(fault)})
        await record(desk, reading.file, str(fault))
    else:
        details.processed += reading.is_read
        details.skipped += not reading.is_read


async def record(desk: Desk, file: File, why: str) -> None:
    """That it failed, beside how far it had come."""
    log.warning("failed", processor=desk.processor.name, transcript_id=str(file.id), why=why)
    state = failed(file.state, desk.processor, why, datetime.now(UTC))
    try:
        await attempt(desk.database, desk.account["id"], lambda tx: save(tx, file, desk.processor, state))
    except Superseded:
        return


async def backlog(tx: Tx, processor: Processor) -> Any:
    """waiting, failing (of those), quarantined, waiting_since: when the oldest of them came in."""
    return await tx.driver.fetchrow(BACKLOG, tx.account, processor.name, processor.version)


async def quarantined(tx: Tx, processor: Processor, limit: int = 100) -> list[Any]:
    """Logs that were set aside after five failures, the longest aside first."""
    found: list[Any] = await tx.driver.fetch(QUARANTINED, tx.account, processor.name, processor.version, limit)
    return found


async def has_unwanted(tx: Tx) -> bool:
    """Whether logs are kept that the account, which once kept them, wants no longer."""
    return bool(await tx.driver.fetchval(ARE_UNWANTED, tx.account))


async def discard(database: Database, storage: Storage, account: UUID) -> int:
    """Logs that were read before the account chose to keep none. How many went."""
    gone = 0
    while keys := await attempt(database, account, discard_some):
        for key in keys:
            await storage.delete(key)
        gone += len(keys)
    return gone


async def discard_some(tx: Tx) -> list[str]:
    """Their keys; should their files outlive this process, no row names them."""
    ids = [row["id"] for row in await tx.driver.fetch(UNWANTED, tx.account)]
    return [row["storage_key"] for row in await tx.driver.fetch(DISCARD, tx.account, ids)]


async def sweep(database: Database, storage: Storage, account: UUID) -> int:
    """Files that no row names: of an upload or a deletion that was cut off. How many went."""
    old = [kept.key async for kept in storage.keys(account) if kept.modified_at < datetime.now(UTC) - ABANDONED]
    async with database.transaction(account, read_only=True) as tx:
        named = {row["storage_key"] for row in await tx.driver.fetch(NAMED, account, old)}
    unwanted = [key for key in old if key not in named]
    for key in unwanted:
        await storage.delete(key)
    return len(unwanted)
