"""A database of its own that can be taken away, and comes back."""

from pathlib import Path

from app.db.addresses import Addresses, parse
from app.db.embedded import Embedded
from tests.server import FAST


class Away:
    def __init__(self, folder: Path) -> None:
        self.server = Embedded(folder, options=FAST)
        self.server.start()
        application, owner = (parse(self.server.url(role)) for role in ("tally_app", "postgres"))
        self.addresses = Addresses(application=application, owner=owner)
