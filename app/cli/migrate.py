"""tally migrate: what `alembic upgrade head` does, for those who need not know alembic."""

from pathlib import Path

import typer

from app.db.addresses import Addresses, reach
from app.settings import Settings

HERE = Path(__file__).parent.parent.parent


def upgrade(addresses: Addresses) -> None:
    """Bring the schema up to date; a schema that is, is left alone."""
    from alembic import command  # noqa: PLC0415 - half a second that only migrating should cost
    from alembic.config import Config  # noqa: PLC0415

    config = Config(HERE / "alembic.ini")
    config.attributes["addresses"] = addresses
    command.upgrade(config, "head")


def register(cli: typer.Typer) -> None:
    @cli.command("migrate")
    def migrate() -> None:
        """Bring the database's schema up to date. Safe to repeat, and to run twice at once."""
        with reach(Settings()) as addresses:
            upgrade(addresses)
        typer.echo("The schema is up to date.")
