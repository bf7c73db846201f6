"""tally migrate: what `alembic upgrade head` does, for those who need not know alembic."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from app.cli.operator import DataDir, settings_with
from app.cli.terminal import AsJson, show

if TYPE_CHECKING:
    from app.db.addresses import Addresses

HERE = Path(__file__).parent.parent.parent


def upgrade(addresses: "Addresses") -> str:
    """Bring the schema up to date; a schema that is, is left alone. The newest revision's name."""
    from alembic import command  # noqa: PLC0415 - half a second that only migrating should cost
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config(HERE / "alembic.ini")
    config.attributes["addresses"] = addresses
    command.upgrade(config, "head")
    return ScriptDirectory.from_config(config).get_current_head() or ""


def migrate(data_dir: DataDir = None, *, as_json: AsJson = False) -> None:
    """Bring the database's schema up to date, as the owner. Safe to repeat, and to run twice at once."""
    from app.db.addresses import reach  # noqa: PLC0415

    with reach(settings_with(data_dir=data_dir)) as addresses:
        revision = upgrade(addresses)
    show({"schema": "up to date", "revision": revision}, as_json=as_json)


def register(cli: typer.Typer) -> None:
    example = "Example: MIGRATION_DATABASE_URL=postgresql://postgres@db/tally tally migrate"
    cli.command("migrate", epilog=example)(migrate)
