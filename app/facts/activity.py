"""How long a session was active: the sum of its stretches without a pause of more than ten minutes.

Microseconds, as PostgreSQL keeps instants: rounded parts would not add up.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

PAUSE = timedelta(seconds=600)
MICROSECOND = timedelta(microseconds=1)


def active_us(times: Sequence[datetime]) -> int:
    """Of sorted instants."""
    gaps = (later - earlier for earlier, later in pairwise(times))
    return sum((gap for gap in gaps if gap <= PAUSE), timedelta()) // MICROSECOND


def before(now: Sequence[datetime], came: Sequence[datetime], went: Sequence[datetime]) -> list[datetime]:
    """The instants as they were: without those that came, with those that went."""
    times = Counter(now)
    times.subtract(came)
    times.update(went)
    return sorted(times.elements())
