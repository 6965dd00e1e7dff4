"""The number of the newest revocation, in Redis: every node sees at once that there is something to read in SQL.

Only a hint. The journal in SQL is the truth and is read at the latest when the view of it is a second old: a Redis that is away,
was emptied, is a copy of yesterday or cannot be reached by the node that revoked, brings nothing back to life.
"""

from typing import Final

from stopper.core.errors import StoreUnavailableError
from stopper.store.redis_server import RedisServer

# Numbers only grow here; who comes late changes nothing.
_TELL: Final = """
local known = tonumber(redis.call('GET', KEYS[1]) or -1)
if tonumber(ARGV[1]) > known then redis.call('SET', KEYS[1], ARGV[1]) end
return 1
"""
_ASK: Final = "return tonumber(redis.call('GET', KEYS[1]) or 0)"
KEY: Final = "revoked:newest"


class RedisNews:
    """Tells and asks for the newest ``seq`` of the revocation journal."""

    def __init__(self, server: RedisServer) -> None:
        self._tell = server.script(_TELL)
        self._ask = server.script(_ASK)

    def tell(self, seq: int) -> None:
        """After the commit of a revocation. A server that does not answer loses nothing but time."""
        try:
            self._tell((KEY,), [seq])
        except StoreUnavailableError:
            return

    def newest(self) -> int:
        """The newest number that anybody told; 0 where nobody did, or the server does not answer."""
        try:
            return int(self._ask((KEY,), []))
        except StoreUnavailableError:
            return 0
