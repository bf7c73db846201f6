"""Another rule for naming workspaces: what is stored is named by it at once, so that nothing is left of the old."""

from app.db.engine import Tx
from app.facts.upkeep import PATIENCE, RENEW
from app.facts.workspaces import Labels, labeller
from app.facts.write import ALONE, SETTINGS

CHANGE = "UPDATE accounts SET workspace_labels = $2 WHERE id = $1"
NAMES = "SELECT DISTINCT workspace FROM ai_sessions WHERE account_id = $1 AND workspace IS NOT NULL"
RENAME = """
    UPDATE ai_sessions s SET workspace = t.new FROM unnest($2::text[], $3::text[]) AS t (old, new)
    WHERE s.account_id = $1 AND s.workspace = t.old
"""
# Readers of half-read logs remember where a session was; those logs are read again from their beginning.
FORGET = "UPDATE processor_state SET carried = NULL WHERE account_id = $1 AND carried IS NOT NULL"


async def change_labels(tx: Tx, labels: Labels) -> None:
    """Alone: whoever writes after this meets the new rule. A workspace can lose by it, never regain what it lost."""
    await tx.driver.execute(PATIENCE)
    await tx.driver.execute(ALONE, str(tx.account))
    settings = await tx.driver.fetchrow(SETTINGS, tx.account)
    await tx.driver.execute(CHANGE, tx.account, labels)
    if settings["workspace_labels"] != labels:
        await tx.driver.execute(FORGET, tx.account)
    label = labeller(labels, settings["workspace_salt"])
    names = [row["workspace"] for row in await tx.driver.fetch(NAMES, tx.account)]
    renamed = {name: new for name in names if (new := label(name)) != name}
    if renamed:
        await tx.driver.execute(RENAME, tx.account, list(renamed), list(renamed.values()))
        await tx.driver.execute(RENEW, tx.account)
