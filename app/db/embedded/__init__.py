"""The PostgreSQL that Tally starts by itself, supervises, and stops with itself."""

from app.db.embedded.errors import EmbeddedError, Occupied
from app.db.embedded.server import Embedded

__all__ = ["Embedded", "EmbeddedError", "Occupied"]
