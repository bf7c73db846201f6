"""How often one key may call: a token bucket each, in this process."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from app.web.problems import TooManyRequests

MOST_BUCKETS = 50_000


@dataclass(slots=True)
class Bucket:
    tokens: float
    at: float


class Limits:
    """Buckets by who calls; the longest unused go first when there are too many."""

    def __init__(self, rate: int, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rate = rate
        self._burst = burst
        self._buckets: OrderedDict[Hashable, Bucket] = OrderedDict()

    def take(self, who: Hashable) -> dict[str, str]:
        """The headers that tell how much is left; raises TooManyRequests when nothing is."""
        if not self._rate:
            return {}
        now = self._clock()
        bucket = self._buckets.get(who) or self._new(who, now)
        self._buckets.move_to_end(who)
        bucket.tokens = min(self._burst, bucket.tokens + (now - bucket.at) * self._rate)
        bucket.at = now
        if bucket.tokens < 1:
            raise self._refusal(bucket)
        bucket.tokens -= 1
        return self._headers(bucket)

    def _new(self, who: Hashable, now: float) -> Bucket:
        if len(self._buckets) >= MOST_BUCKETS:
            self._buckets.popitem(last=False)
        bucket = self._buckets[who] = Bucket(self._burst, now)
        return bucket

    def _headers(self, bucket: Bucket) -> dict[str, str]:
        reset = math.ceil((self._burst - bucket.tokens) / self._rate)
        return {
            "RateLimit-Limit": str(self._burst),
            "RateLimit-Remaining": str(int(bucket.tokens)),
            "RateLimit-Reset": str(reset),
        }

    def _refusal(self, bucket: Bucket) -> TooManyRequests:
        wait = max(1, math.ceil((1 - bucket.tokens) / self._rate))
        return TooManyRequests(
            f"Too many requests: this key may make {self._rate} a second, {self._burst} at once; wait {wait} s.",
            headers={**self._headers(bucket), "Retry-After": str(wait)},
        )
