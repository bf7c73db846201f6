"""What a person can mend, each in one sentence.

What this module does not know is a fault of ours, and shows itself whole.
"""

import errno
from typing import Any

from pydantic import ValidationError

UNMIGRATED = "The schema is missing or older than this Tally: run `tally migrate`."
FORBIDDEN = (
    "The database role may not do this: migrations need a role that may create roles (MIGRATION_DATABASE_URL), "
    "everything else the role tally_app."
)
# By SQLSTATE, as everywhere.
STATES = {"42P01": UNMIGRATED, "42703": UNMIGRATED, "3F000": UNMIGRATED, "42501": FORBIDDEN}


def explain(error: Exception) -> str | None:
    """The sentence for what a person can mend; None for a fault of ours, which shows itself whole."""
    # Imported when something failed: they cost half a second.
    from app.cli.push.faults import PushError  # noqa: PLC0415

    if isinstance(error, PushError):
        return str(error)
    from app.auth import tokens  # noqa: PLC0415
    from app.cli import operator  # noqa: PLC0415
    from app.db.addresses import BadAddress  # noqa: PLC0415
    from app.db.embedded import EmbeddedError  # noqa: PLC0415
    from app.db.engine import Unreachable  # noqa: PLC0415
    from app.web.answers import translate  # noqa: PLC0415

    match error:
        case ValidationError():
            return f"{'; '.join(map(rule, error.errors()))}."
        case BadAddress() | EmbeddedError() | tokens.Misconfigured() | operator.Misconfigured():
            return str(error)
        case Unreachable():
            return f"The database cannot be reached: {error}."
        case OSError(filename=str() as path):
            linked = error.errno == errno.ELOOP
            said = "is a symbolic link where Tally keeps a file of its own: remove it and start again"
            return f"{path} {said if linked else f'cannot be used: {error.strerror}'}."
    known = STATES.get(sqlstate(error))
    problem = None if known else translate(error)
    return problem.detail if problem else known


def rule(broken: Any) -> str:
    """A setting's name and its rule, never its value, which may be a secret."""
    name = ".".join(map(str, broken["loc"]))
    if broken["type"] == "too_short":
        return f"{name} is too short: it needs at least {broken['ctx']['min_length']} characters"
    message = broken["msg"].removeprefix("Value error, ")
    return f"{name}: {message[0].lower()}{message[1:]}"


def sqlstate(error: BaseException) -> str:
    cause = getattr(error, "orig", None) or error
    return str(getattr(cause, "sqlstate", None) or "")
