"""Counters that every node shares, in Redis. The clock is the server's, so nodes whose clocks differ count alike."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, cast

from stopper.auth.limit import Attempt, Counted, Limit, Refusal, Standing
from stopper.auth.limit_window import SLOTS
from stopper.store.redis_news import KEY as NEWEST
from stopper.store.redis_server import RedisServer

# The first key holds the number of the newest revocation; then come the counters, one an attempt, and at last the notes that exempt
# from some. One text before all: whether the newest revocation is asked for, and the parts of a sliding window. Then one an attempt: how
# many, the whole period in microseconds, whether it slides, and the place of its note among the keys where it has one. The answer is one
# text of numbers: the driver takes its time over each value that it packs and unpacks.
#
# A bucket is "start n": n attempts since it was last empty; it is due at start + n * every, with no error that adds up. A window is a
# hash of parts. A server whose clock has gone back must not hold anybody for longer than a period: what lies later than that is
# cut, and written down so, whether or not the attempt may pass.
_TAKE: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local hear, parts = string.match(ARGV[1], '(%d) (%d+)')
parts = tonumber(parts)

local function bucket(counter, burst, period)
  local every = period / burst
  local start, n = string.match(redis.call('GET', counter) or '', '^(%d+) ?(%d*)$')
  start, n = tonumber(start) or now, tonumber(n) or 0
  local due, cut = start + n * every, false
  if due < now then start, n, due = now, 0, now end
  if due > now + period + 1 then start, n, due, cut = now + period, 0, now + period, true end
  local wait = due - (period - every) - now
  local passes = wait <= 1
  if passes then n, due = n + 1, due + every end
  if passes or cut then
    redis.call('SET', counter, string.format('%.0f %.0f', start, n), 'PX', math.ceil((due - now) / 1000) + 1)
  end
  if not passes then return math.ceil(wait), 0, math.ceil(wait) end
  local left = math.max(0, math.floor((now + period - due) / every + 0.001))
  if left > 0 then return 0, left, math.ceil(due - now) end
  return 0, 0, math.ceil(math.max(0, due - (period - every) - now))
end

local function window(counter, burst, period)
  local width = period / parts
  local slot = math.floor(now / width)
  local held, used, newest = {}, 0, slot
  local found = redis.call('HGETALL', counter)
  local moved = 0
  for at = 1, #found, 2 do
    local place, many = tonumber(found[at]), tonumber(found[at + 1])
    if place < slot - parts then
      redis.call('HDEL', counter, found[at])
    else
      if place > slot then redis.call('HDEL', counter, found[at]); moved = moved + many; place = slot end
      held[place] = (held[place] or 0) + many
      used = used + many
    end
  end
  local passes = used < burst
  if passes then
    used = used + 1
    held[slot] = (held[slot] or 0) + 1
  end
  local more = moved + (passes and 1 or 0)
  if more > 0 then
    redis.call('HINCRBY', counter, string.format('%.0f', slot), more)
    redis.call('PEXPIRE', counter, math.ceil((slot + parts + 1) * width / 1000 - now / 1000) + 1)
  end
  local function over(place) return math.max(1, math.ceil((place + parts + 1) * width - now)) end
  if used < burst then return 0, burst - used, over(slot) end
  local left, free = used, 0
  for place = slot - parts, slot do
    left = left - (held[place] or 0)
    if left < burst then free = over(place); break end
  end
  return passes and 0 or free, 0, free
end

local told = {0, 0, 0}
if hear == '1' then told[3] = tonumber(redis.call('GET', KEYS[1]) or 0) end
for number = 1, #ARGV - 1 do
  local burst, period, slides, exempt = string.match(ARGV[number + 1], '(%d+) (%d+) (%d) ?(%d*)')
  if exempt == '' or redis.call('EXISTS', KEYS[tonumber(exempt)]) == 0 then
    local counter = KEYS[number + 1]
    local count = slides == '1' and window or bucket
    local wait, left, reset = count(counter, tonumber(burst), tonumber(period))
    told[#told + 1], told[#told + 2], told[#told + 3] = number, left, reset
    if wait > 0 then
      told[1], told[2] = number, wait
      break
    end
  end
end
return table.concat(told, ' ')
"""
_CLEAR: Final = "return redis.call('DEL', KEYS[1], KEYS[2])"
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
        return self.count(attempts).refusal

    def count(self, attempts: Sequence[Attempt], *, hear: bool = False) -> Counted:
        """The same as :meth:`take`, and what is left of each. *hear*: ask for the newest revocation too, in the same round trip.

        Raises StoreUnavailableError.
        """
        keys = [NEWEST, *(_counter(one.measure, one.key, sliding=one.limit.sliding) for one in attempts)]
        arguments = [f"{hear:d} {SLOTS}"]
        for one in attempts:
            if one.unless is None:
                arguments.append(_numbers(one.limit))
            else:
                keys.append(_note(one.unless))
                arguments.append(f"{_numbers(one.limit)} {len(keys)}")
        refused, wait, newest, *rest = map(int, cast("bytes", self._take(keys, arguments)).split())
        standings = tuple(
            Standing(attempts[rest[at] - 1], rest[at + 1], rest[at + 2] / _MICRO) for at in range(0, len(rest), 3)
        )
        refusal = Refusal(attempts[refused - 1].measure, wait / _MICRO) if refused else None
        return Counted(refusal, standings, newest)

    def clear(self, measure: str, key: str) -> None:
        """Forget the attempts of *key*. Raises StoreUnavailableError."""
        self._clear([_counter(measure, key, sliding=False), _counter(measure, key, sliding=True)], [])

    def note(self, key: str, seconds: float) -> None:
        """Note *key* for so long. Raises StoreUnavailableError."""
        self._note([_note(key)], [max(1, round(seconds * 1000))])


@lru_cache(maxsize=1024)
def _numbers(limit: Limit) -> str:
    return f"{limit.burst} {limit.seconds * _MICRO:.0f} {limit.sliding:d}"


def _counter(measure: str, key: str, *, sliding: bool) -> str:
    return f"window:{measure}:{key}" if sliding else f"count:{measure}:{key}"


def _note(key: str) -> str:
    return f"noted:{key}"
