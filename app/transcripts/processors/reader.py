"""The version of what reads logs, at the server or where they lie: a new one of either processor reads all again."""

from app.transcripts.processors.friction import Friction
from app.transcripts.processors.usage import Usage

# Both only ever grow, so their sum does with either.
READER_VERSION = Usage.version + Friction.version
