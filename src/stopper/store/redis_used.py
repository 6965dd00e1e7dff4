"""Used-up things of short life in Redis: proofs that come with every request, for which a write to SQL would be too dear.

A server that has lost its data would let everything pass once more. So the data carry a mark of when they began; while the mark is
missing, or younger than the longest life of a proof, nobody can say what was used before, and everything is refused.
"""

from typing import Final

from stopper.auth.revocation import CLOCK_SLACK
from stopper.core.errors import StoreUnavailableError
from stopper.store.redis_server import RedisServer

LONGEST: Final = 120.0
"""Seconds that a proof kept here may live. Longer ones, and whatever opens an account or moves money, belong in SQL."""

# KEYS: the mark, the thing. ARGV: milliseconds to keep the thing, milliseconds that the mark must have stood.
# The server's clock alone counts. A clock that went back makes the mark younger than nothing: it begins anew.
_USE: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local began = tonumber(redis.call('GET', KEYS[1]) or -1)
if began < 0 or began > now then
  redis.call('SET', KEYS[1], string.format('%.0f', now))
  began = now
end
if now - began < tonumber(ARGV[2]) then return {-1, tonumber(ARGV[2]) - (now - began)} end
if redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[1]) then return {1, 0} end
return {0, 0}
"""
_MARK: Final = "return redis.call('SET', KEYS[1], '0', 'NX')"


class RedisSingleUse:
    """A :class:`stopper.auth.single_use.SingleUseStore` for values that live at most LONGEST seconds."""

    def __init__(self, server: RedisServer) -> None:
        self._use = server.script(_USE)
        self._first_mark = server.script(_MARK)

    def begin(self) -> None:
        """Say that no proof was taken before: for the very first start over an empty server. Raises StoreUnavailableError.

        Without it the first LONGEST seconds are refused, which is always safe.
        """
        self._first_mark(["used:began"], [])

    def use(self, purpose: str, tenant: str, digest: bytes, until: float, now: float) -> bool:
        """Remember *digest*; True for the first caller only.

        Raises ValueError for what lives longer than LONGEST, StoreUnavailableError where the server cannot tell.
        """
        if until - now > LONGEST:
            raise ValueError(f"{purpose} lives longer than {LONGEST:.0f} seconds; keep it in SQL")
        if until <= now:
            return False
        # Kept for the slack too, as in SQL: a node whose clock jumps back must not make an old proof young.
        keep = round((until - now + CLOCK_SLACK) * 1000)
        key = f"used:{len(purpose)}:{purpose}:{len(tenant)}:{tenant}:{digest.hex()}"
        outcome, wait = self._use(["used:began", key], [keep, round(LONGEST * 1000)])
        if outcome < 0:
            raise StoreUnavailableError("redis-began-anew", retry_after=-(-wait // 1000))
        return bool(outcome)
