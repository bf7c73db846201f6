"""The operations of the API as its own description lists them, so that a new one meets every rule by default."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from app.auth.caller import ROLES
from tests.openapi_written import described_now

LEVELS = ("public", *ROLES)


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    described: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def address(self) -> str:
        """With ids that are nobody's."""
        return re.sub(r"\{\w+\}", lambda _: str(uuid4()), self.path)

    @property
    def is_public(self) -> bool:
        return not self.described.get("security")

    @property
    def is_by_row(self) -> bool:
        """Whether it takes what is good of a body and refuses the rest row by row."""
        return "207" in self.described["responses"]

    @property
    def takes_json(self) -> bool:
        return "application/json" in self.described.get("requestBody", {}).get("content", {})


def operations() -> Iterator[Operation]:
    for path, methods in described_now()["paths"].items():
        for method, described in methods.items():
            yield Operation(method.upper(), path, described)


OPERATIONS = sorted(operations(), key=str)
