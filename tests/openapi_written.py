"""`python -m tests.openapi_written` writes openapi.json anew; a test compares it with what the handlers say."""

import json
from pathlib import Path

from sqlalchemy import make_url

from app.main import create_app
from app.settings import Settings

WRITTEN = Path(__file__).parent.parent / "openapi.json"
NOWHERE = make_url("postgresql+asyncpg://nobody@/nowhere")


def described() -> str:
    """The text of openapi.json. It needs no database, for nothing is asked of one."""
    settings = Settings(_env_file=None, TALLY_JWT_SECRET="x" * 32)  # type: ignore[call-arg, arg-type]
    return json.dumps(create_app(settings, NOWHERE).openapi(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    WRITTEN.write_text(described())
