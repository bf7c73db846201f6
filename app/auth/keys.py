"""API keys: `tly_<account>_<secret>`. The account is in the key, so that no look-up needs to leave an account."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from uuid import UUID

FORM = re.compile(r"tly_([0-9a-f]{32})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True)
class Secret:
    """A key as it is shown, once."""

    account_id: UUID
    text: str

    @property
    def sha256(self) -> bytes:
        """What is stored. A fast hash is enough for 256 random bits; slow ones are for passwords."""
        return hashlib.sha256(self.text.encode()).digest()

    @property
    def hint(self) -> str:
        """Enough for a person to tell their keys apart."""
        return f"…{self.text[-4:]}"


def make(account_id: UUID) -> Secret:
    return Secret(account_id, f"tly_{account_id.hex}_{secrets.token_urlsafe(32)}")


def parse(text: str) -> Secret | None:
    """None for what cannot be one of our keys: such need not trouble the database."""
    found = FORM.fullmatch(text)
    return Secret(UUID(hex=found[1]), text) if found else None
