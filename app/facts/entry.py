"""From admitted rows to facts: the one way in, whichever door they came by."""

from datetime import datetime

from app.db.engine import Tx
from app.facts.admission import Admitted, out_of_time
from app.facts.calendar import Calendar
from app.facts.members import Rights, Sender, named, sessions_of_others
from app.facts.prices import PriceBook
from app.facts.resolution import Resolver
from app.facts.retention import horizon
from app.facts.workspaces import labeller
from app.facts.write import Changed, Facts, Writer, enter

BOOK = PriceBook()


async def bring_in(tx: Tx, sender: Sender, rows: Admitted, now: datetime) -> tuple[Facts, Changed]:
    """Write what may come in; `rows.errors` then says what may not, and why."""
    settings = await enter(tx)
    calendar = Calendar(settings["timezone"])
    rows.sift(out_of_time(now, horizon(settings, calendar, now)))
    members = await named(tx, rows, create=settings["create_members"] and sender.is_admin)
    rows.sift(Rights(sender, members, await sessions_of_others(tx, sender, rows.names())).refusal)
    label = labeller(settings["workspace_labels"], settings["workspace_salt"])
    facts = Resolver(sender, members, BOOK, now, label).facts(rows)
    writer = Writer(tx, calendar, BOOK, None if sender.is_admin else sender.id)
    return facts, await writer.write(facts)
