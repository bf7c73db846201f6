"""R13: an upgrade while the API serves gives no 5xx."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config

from app.db.addresses import Addresses
from tests.people import Company
from tests.server import migrate, migrations_of
from tests.serving import Api, empty_database, operator, serving

# One table a revision, as ours must be: a transaction that holds one table and waits for another stops everybody.
# And no other type for a column, which the linter forbids: it writes the table anew, and for a moment who looked
# before sees it empty (here: a member who is there was answered 401).
NEXT_REVISIONS = {
    "9998": """
from alembic import op

revision, down_revision, branch_labels, depends_on = "9998", "{head}", None, None


def upgrade():
    op.execute("ALTER TABLE accounts ADD COLUMN extra varchar(20)")


def downgrade():
    op.execute("ALTER TABLE accounts DROP COLUMN extra")
""",
    "9999": """
from alembic import op

revision, down_revision, branch_labels, depends_on = "9999", "9998", None, None


def upgrade():
    op.execute("ALTER TABLE users ADD COLUMN extra integer NOT NULL DEFAULT 7")
    op.execute("ALTER TABLE users ALTER COLUMN name SET DEFAULT 'somebody'")
    op.execute("CREATE INDEX ix_users_extra ON users (account_id, extra)")


def downgrade():
    op.execute("DROP INDEX ix_users_extra")
    op.execute("ALTER TABLE users ALTER COLUMN name DROP DEFAULT")
    op.execute("ALTER TABLE users DROP COLUMN extra")
""",
}


@pytest.fixture
def apart(addresses: Addresses) -> Iterator[Addresses]:
    with empty_database(addresses) as found:
        migrate(found)
        yield found


@pytest.fixture
def next_release(apart: Addresses, tmp_path: Path) -> Config:
    """Our migrations and two more, which no release has."""
    config = migrations_of(apart)
    ours = Path(str(config.get_main_option("script_location"))) / "versions"
    newest = max(path.read_text().split('revision = "')[1][:4] for path in ours.glob("*.py"))
    for revision, text in NEXT_REVISIONS.items():
        (tmp_path / f"{revision}.py").write_text(text.format(head=newest))
    config.set_main_option("version_locations", os.pathsep.join((str(ours), str(tmp_path))))
    return config


async def use(api: Api, company: Company, stop: asyncio.Event, statuses: list[int], refused: list[str]) -> None:
    """Reads and writes, as a front end does, until told to stop."""
    admin = company.admin.headers
    while not stop.is_set():
        for answer in (
            await api.client.get("/api/v1/me", headers=company.viewer.headers),
            await api.client.get("/api/v1/users", headers=admin),
            await api.client.patch(f"/api/v1/users/{company.viewer.id}", json={"name": "New"}, headers=admin),
            await api.client.post("/api/v1/keys", json={"name": "laptop"}, headers=company.viewer.headers),
        ):
            statuses.append(answer.status_code)
            if answer.status_code >= 300:
                refused.append(answer.text)


async def test_an_upgrade_and_its_way_back_under_load_give_no_failure(apart: Addresses, next_release: Config) -> None:
    async with serving(apart, TALLY_LOG_LEVEL="error") as api:
        companies = [await api.founder.company() for _ in range(6)]
        stop, statuses, refused = asyncio.Event(), list[int](), list[str]()
        users = [asyncio.create_task(use(api, company, stop, statuses, refused)) for company in companies]
        for _ in range(2):
            await asyncio.sleep(0.3)
            await asyncio.to_thread(command.upgrade, next_release, "9999")
            await asyncio.sleep(0.3)
            await asyncio.to_thread(command.downgrade, next_release, "-2")
        await asyncio.sleep(0.3)
        stop.set()
        await asyncio.gather(*users)
    assert set(statuses) == {200, 201}, refused
    assert len(statuses) > 100


async def test_a_column_that_changes_its_type_which_the_linter_forbids_costs_a_retry_and_no_more(
    apart: Addresses,
) -> None:
    """Why it is forbidden: a statement kept from before fails once a connection, whatever the driver."""
    async with serving(apart, TALLY_POOL_SIZE=1) as api, operator(apart) as owner:
        company = await api.founder.company()
        for path, person in (("/api/v1/me", company.viewer), ("/api/v1/users", company.admin)):
            assert (await api.client.get(path, headers=person.headers)).status_code == 200
        await owner.execute("ALTER TABLE users ALTER COLUMN name TYPE varchar(230)")
        answers = [await api.client.get("/api/v1/users", headers=company.admin.headers) for _ in range(3)]
        assert {answer.status_code for answer in answers[:2]} <= {200, 503}
        assert all("Retry-After" in answer.headers for answer in answers if answer.status_code == 503)
        assert answers[-1].status_code == 200
