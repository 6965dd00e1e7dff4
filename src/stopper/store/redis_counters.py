"""Counters that every node shares, in Redis. The clock is the server's, so nodes whose clocks differ count alike."""

from collections.abc import Sequence
from typing import Final, cast

from stopper.auth.limit import Attempt, Refusal
from stopper.store.redis_server import RedisServer

# Two keys an attempt: its counter, and the note that exempts from it (or the counter again). Two numbers an attempt, in
# microseconds: what one attempt costs, and the whole period. A server whose clock has gone back must not hold anybody for longer
# than a period: what is due later than that is cut.
_TAKE: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
for number = 1, #KEYS / 2 do
  local counter, note = KEYS[2 * number - 1], KEYS[2 * number]
  local every, period = tonumber(ARGV[2 * number - 1]), tonumber(ARGV[2 * number])
  if note == counter or redis.call('EXISTS', note) == 0 then
    local due = tonumber(redis.call('GET', counter) or now)
    due = math.min(math.max(due, now), now + period)
    local wait = due - (period - every) - now
    if wait > 1 then return {number, math.ceil(wait)} end
    redis.call('SET', counter, string.format('%.0f', due + every), 'PX', math.ceil((due + every - now) / 1000) + 1)
  end
end
return {0, 0}
"""
_CLEAR: Final = "return redis.call('DEL', KEYS[1])"
_NOTE: Final = "return redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])"
_MICRO: Final = 1_000_000


class RedisCounters:
    """A :class:`stopper.auth.limit.Counters`. Where the server does not answer, nothing passes uncounted."""

    def __init__(self, server: RedisServer) -> None:
        self._take = server.script(_TAKE)
        self._clear = server.script(_CLEAR)
        self._note = server.script(_NOTE)

    def take(self, attempts: Sequence[Attempt]) -> Refusal | None:
        """Count each in turn, up to the first that refuses; one round trip. Raises StoreUnavailableError."""
        keys: list[str] = []
        numbers: list[int] = []
        for attempt in attempts:
            counter = _counter(attempt.measure, attempt.key)
            keys += (counter, counter if attempt.unless is None else _note(attempt.unless))
            numbers += (round(attempt.limit.every * _MICRO), round(attempt.limit.seconds * _MICRO))
        refused, wait = cast("list[int]", self._take(keys, numbers))
        return Refusal(attempts[refused - 1].measure, wait / _MICRO) if refused else None

    def clear(self, measure: str, key: str) -> None:
        """Forget the attempts of *key*. Raises StoreUnavailableError."""
        self._clear([_counter(measure, key)], [])

    def note(self, key: str, seconds: float) -> None:
        """Note *key* for so long. Raises StoreUnavailableError."""
        self._note([_note(key)], [max(1, round(seconds * 1000))])


def _counter(measure: str, key: str) -> str:
    return f"count:{measure}:{key}"


def _note(key: str) -> str:
    return f"noted:{key}"
