"""Statements compiled once: the transaction's account is bound whatever the caller says."""

from uuid import uuid4

import pytest
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import InvalidRequestError

from app.db.engine import Database
from app.db.statement import Prepared
from app.models.account_version import AccountVersion
from app.models.user import User
from tests.people import Company

NAMES = select(User.name, User.email).where(User.account_id == bindparam("account")).order_by(User.email)


async def test_one_and_all_answer_rows_by_name(database: Database, company: Company) -> None:
    names = Prepared(NAMES.where(User.email == bindparam("email")))
    async with database.transaction(company.id, read_only=True) as tx:
        found = await names.one(tx, email="owner@example.com")
        assert found is not None
        assert dict(found) == {"name": "owner", "email": "owner@example.com"}
        assert await names.one(tx, email="nobody@example.com") is None
        assert [row["email"] for row in await Prepared(NAMES).all(tx)] == [
            f"{role}@example.com" for role in ("admin", "engineer", "owner", "viewer")
        ]


async def test_the_account_is_the_transactions_whatever_is_given(
    database: Database, company: Company, other_company: Company
) -> None:
    ids = Prepared(select(User.account_id).where(User.account_id == bindparam("account")).distinct())
    async with database.transaction(company.id, read_only=True) as tx:
        assert [row["account_id"] for row in await ids.all(tx, account=other_company.id)] == [company.id]


async def test_run_writes(database: Database) -> None:
    account = uuid4()
    start = Prepared(insert(AccountVersion).values(account_id=bindparam("account"), version=bindparam("n")))
    raise_ = Prepared(
        update(AccountVersion)
        .where(AccountVersion.account_id == bindparam("account"))
        .values(version=AccountVersion.version + bindparam("more"))
    )
    async with database.transaction(account) as tx:
        await start.run(tx, n=1)
        await raise_.run(tx, more=41)
    async with database.transaction(account, read_only=True) as tx:
        assert await tx.driver.fetchval("SELECT version FROM account_versions") == 42


async def test_what_the_statement_fixes_need_not_be_given(database: Database, company: Company) -> None:
    fixed = Prepared(NAMES.where(User.account_role != "viewer"))
    async with database.transaction(company.id, read_only=True) as tx:
        assert len(await fixed.all(tx)) == 3


async def test_a_value_that_was_forgotten_is_noticed(database: Database, company: Company) -> None:
    by_email = Prepared(NAMES.where(User.email == bindparam("email")))
    async with database.transaction(company.id, read_only=True) as tx:
        with pytest.raises(KeyError):
            await by_email.one(tx)


def test_a_statement_that_cannot_be_prepared_fails_when_its_module_is_loaded() -> None:
    with pytest.raises(InvalidRequestError):
        Prepared(NAMES.where(User.account_role.in_(("owner", "admin"))))
