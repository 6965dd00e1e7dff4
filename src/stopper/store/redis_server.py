"""One Redis or Valkey server: a short time-out on every call, and a breaker that spares everybody the wait while it is away."""

import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from stopper.auth.forking import in_each_child
from stopper.core.errors import SettingError, StoreUnavailableError
from stopper.core.secret import Secret
from stopper.store.redis_connections import RecentConnections

if TYPE_CHECKING:
    from redis import Redis

TIMEOUT_SECONDS: Final = 0.25
"""For connecting and for each answer. A request that waits longer for its limit than for its work helps nobody."""
FAILURES: Final = 3
"""So many failures in a row open the breaker."""
OPEN_SECONDS: Final = 1.0
"""How long an open breaker answers by itself; then one call may try."""
CONNECTIONS: Final = 64
PREFIX: Final = "stopper:"
_SCHEMES: Final = {"valkey": "redis", "valkeys": "rediss"}


class RedisServer:
    """Runs scripts, each in one round trip. Safe for threads; a forked child opens its own connections."""

    def __init__(self, url: Secret, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        """*url*: ``redis://``, ``rediss://`` (TLS), ``unix://``, or the same with ``valkey``. Nothing is connected yet.

        Raises SettingError.
        """
        self._client = _client(url)
        self._recent = RecentConnections(self._client.connection_pool)
        self._monotonic = monotonic
        self._new_breaker()
        in_each_child(self._new_breaker)

    def _new_breaker(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self._closed_again = 0.0
        self._recent.forget()

    def script(self, text: str) -> Callable[[Sequence[str], Sequence[str | int | float | bytes]], Any]:
        """A function of keys and arguments that runs the Lua *text* at the server. It raises StoreUnavailableError."""
        digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

        def run(keys: Sequence[str], arguments: Sequence[str | int | float | bytes]) -> Any:
            return self._guarded(lambda: self._run(digest, text, [PREFIX + key for key in keys], arguments))

        return run

    def _run(self, digest: str, text: str, keys: list[str], arguments: Sequence[str | int | float | bytes]) -> Any:
        from redis.exceptions import NoScriptError

        try:
            return self._recent.ask("EVALSHA", digest, len(keys), *keys, *arguments)
        except NoScriptError:  # a server that was started anew does not know the script yet; this makes it known
            return self._recent.ask("EVAL", text, len(keys), *keys, *arguments)

    def check(self) -> None:
        """Raises StoreUnavailableError where the server does not answer."""
        self._guarded(lambda: self._client.ping())  # pyright: ignore[reportUnknownMemberType]

    def evicts(self) -> bool:
        """Whether the server throws keys away when its memory is full. Raises StoreUnavailableError."""
        told = self._guarded(lambda: self._client.info("memory"))  # pyright: ignore[reportUnknownMemberType]
        return str(told.get("maxmemory_policy", "noeviction")) != "noeviction" and int(told.get("maxmemory", 0)) > 0

    def close(self) -> None:
        """Close every idle connection of this process. The next use opens new ones."""
        self._recent.release()
        self._client.connection_pool.disconnect()

    def _guarded(self, call: Callable[[], Any]) -> Any:
        from redis.exceptions import RedisError

        self._pass_breaker()
        try:
            answer = call()
        except (RedisError, OSError) as wrong:
            self._failed()
            # Only the kind: a driver's text may name the address with its password.
            raise StoreUnavailableError("redis") from RuntimeError(type(wrong).__name__)
        if self._failures:
            self._failures = 0
        return answer

    def _pass_breaker(self) -> None:
        if self._failures < FAILURES:
            return
        with self._lock:
            now = self._monotonic()
            if now < self._closed_again:
                raise StoreUnavailableError("redis-breaker")
            # This caller tries; the others go on being refused until it has an answer.
            self._closed_again = now + OPEN_SECONDS

    def _failed(self) -> None:
        with self._lock:
            self._failures += 1
            self._closed_again = self._monotonic() + OPEN_SECONDS


def _client(url: Secret) -> "Redis":
    try:
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError:
        raise SettingError("Redis needs its driver; type: pip install 'stopper[redis]'") from None
    scheme, _, rest = url.reveal().partition("://")
    # A connection that the server closed while it lay idle is made anew once. A time-out is not tried again: it has cost its wait.
    again = Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
    try:
        pool = redis.BlockingConnectionPool.from_url(  # pyright: ignore[reportUnknownMemberType]
            f"{_SCHEMES.get(scheme, scheme)}://{rest}",
            max_connections=CONNECTIONS,
            timeout=TIMEOUT_SECONDS,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=again,
            client_name="stopper",
        )
        return redis.Redis(connection_pool=pool)
    except (ValueError, TypeError):
        raise SettingError(
            "the Redis URL is not one that Stopper can use; write redis://host:6379/0, rediss://… for TLS, or unix:///path"
        ) from None
