"""What README and docs/operate.md say is so."""

import re
from pathlib import Path

import pytest

from app.settings import Settings
from tests.settings_written import PAGE, page

ROOT = PAGE.parent.parent
PAGES = [ROOT / "README.md", PAGE, ROOT / ".env.example", *sorted((ROOT / "docs" / "decisions").glob("*.md"))]
COMPOSE_ONLY = {"TALLY_APP_PASSWORD"}


def test_the_table_of_settings_is_complete() -> None:
    assert page() == PAGE.read_text(), "run `python -m tests.settings_written`"
    for field in Settings.model_fields.values():
        assert f"| `{field.alias}` |" in PAGE.read_text()


@pytest.mark.parametrize("document", PAGES, ids=lambda path: path.name)
def test_every_setting_named_exists(document: Path) -> None:
    known = {field.alias for field in Settings.model_fields.values()} | COMPOSE_ONLY | {"TALLY_JWT"}
    named = set(re.findall(r"\b(?:TALLY_[A-Z_]*[A-Z]|(?:MIGRATION_)?DATABASE_URL)\b", document.read_text()))
    assert named <= known, named - known


@pytest.mark.parametrize("document", PAGES, ids=lambda path: path.name)
def test_every_link_leads_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", document.read_text()):
        assert (document.parent / target).exists(), target


def test_decisions_fit_a_page() -> None:
    for document in sorted((ROOT / "docs" / "decisions").glob("*.md")):
        assert len(document.read_text().splitlines()) <= 50, document.name
