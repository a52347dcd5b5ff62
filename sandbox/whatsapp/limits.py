"""How fast a number may send: GCRA, the token bucket that needs one float a key."""


class RateLimit:
    """Allows one event per `interval` seconds for each key, with `burst` of them at once."""

    __slots__ = ("_arrivals", "_burst", "_interval")

    def __init__(self, *, interval: float, burst: int) -> None:
        self._interval = interval
        self._burst = (burst - 1) * interval + 1e-9
        self._arrivals: dict[str, float] = {}

    def allows(self, key: str, now: float) -> bool:
        """Take one event for this key, or say that it comes too early. A refused event costs nothing."""
        arrival = max(self._arrivals.get(key, now), now)
        if arrival - now > self._burst:
            return False
        self._arrivals[key] = arrival + self._interval
        return True

    def forget(self) -> None:
        """Start again with full buckets."""
        self._arrivals.clear()
