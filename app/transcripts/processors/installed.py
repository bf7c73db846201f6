"""The processors there are: ours, and those that installed packages bring."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points

import structlog

from app.transcripts.processors.contract import Processor
from app.transcripts.processors.friction import Friction
from app.transcripts.processors.usage import Usage

log = structlog.get_logger("tally.processors")
GROUP = "tally.processors"
NAME = re.compile(r"[a-z][a-z0-9_-]{0,99}")


def is_ours(processor: Processor) -> bool:
    return isinstance(processor, Usage | Friction)


@cache
def processors() -> Mapping[str, Processor]:
    """By name. One that cannot be loaded is logged and left out: the others go on."""
    found: dict[str, Processor] = {made.name: made for made in (Usage(), Friction())}
    for point in entry_points(group=GROUP):
        made = load(point)
        if made is not None and made.name not in found:
            found[made.name] = made
        elif made is not None:
            log.warning("processor left out", entry_point=point.value, why=f"there is one named {made.name} already")
    return found


def load(point: EntryPoint) -> Processor | None:
    try:
        made = point.load()()
    except Exception as error:  # noqa: BLE001 - somebody else's package
        log.warning("processor left out", entry_point=point.value, why=type(error).__name__)
        return None
    why = refusal(made)
    if why:
        log.warning("processor left out", entry_point=point.value, why=why)
    return None if why else made


def refusal(made: object) -> str | None:
    if not isinstance(made, Processor) or not callable(made.process):
        return "it has no name, version, cadence_s and process"
    if not isinstance(made.name, str) or not NAME.fullmatch(made.name):
        return "its name must be up to 100 of a-z, 0-9, _ and -"
    if type(made.version) is not int or not 0 <= made.version < 2**31:
        return "its version must be a whole number"
    if not isinstance(made.cadence_s, int | float) or not made.cadence_s > 0:
        return "its cadence_s must be a number of seconds"
    return None
