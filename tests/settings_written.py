"""python -m tests.settings_written: the table of settings in docs/operate.md, from the settings themselves."""

import re
from pathlib import Path

from app.cli.doctor import shown
from app.settings import Settings

PAGE = Path(__file__).parent.parent / "docs" / "operate.md"
PLACE = re.compile(r"(?<=<!-- settings -->\n).*(?=<!-- /settings -->)", re.DOTALL)


def table() -> str:
    rows = ["| setting | default | meaning |", "|---|---|---|"]
    for field in Settings.model_fields.values():
        default = shown(field.default)
        rows.append(f"| `{field.alias}` | {f'`{default}`' if default else ''} | {field.description} |")
    return "\n".join(rows) + "\n"


def page() -> str:
    return PLACE.sub(lambda _: table(), PAGE.read_text())


if __name__ == "__main__":
    PAGE.write_text(page())
