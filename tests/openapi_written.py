"""`python -m tests.openapi_written` writes openapi.json anew; a test compares it with what the handlers say."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from app.main import create_app
from app.settings import Settings

WRITTEN = Path(__file__).parent.parent / "openapi.json"
NOWHERE = make_url("postgresql+asyncpg://nobody@/nowhere")


@cache
def described_now() -> dict[str, Any]:
    """It needs no database, for nothing is asked of one."""
    settings = Settings(_env_file=None, TALLY_JWT_SECRET="x" * 32, TALLY_LOG_FORMAT="json")
    return create_app(settings, NOWHERE).openapi()


def as_text() -> str:
    return json.dumps(described_now(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    WRITTEN.write_text(as_text())
