"""One process of a race: reads a value a line, redeems it in many threads at once, writes how many won.

Arguments: the store (a database URL, or ``redis`` and the URL), threads.
"""

import sys
import threading

from stopper.auth.clock import system_clock
from stopper.auth.single_use import SingleUse, SingleUseStore
from stopper.core.errors import StoreUnavailableError
from stopper.core.secret import Secret
from stopper.store import open_store
from stopper.store.redis_server import RedisServer
from stopper.store.redis_used import RedisSingleUse

PURPOSES = (
    "code", "reset-link", "verify-link", "recovery-code", "totp-step", "dpop-proof", "challenge", "client-assertion", "token",
)  # fmt: skip
"""Every kind of value that is redeemed once; a line names its purpose and the value."""


def main(kind: str, url: str, threads: int) -> None:
    """Work until stdin ends."""
    store: SingleUseStore = RedisSingleUse(RedisServer(Secret(url))) if kind == "redis" else open_store(url).single_use
    used = SingleUse(store, system_clock)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        purpose, value = line.split()
        won: list[bool] = []
        barrier = threading.Barrier(threads)

        def one(
            purpose: str = purpose, value: str = value, won: list[bool] = won, barrier: threading.Barrier = barrier
        ) -> None:
            barrier.wait()
            try:
                won.append(used.redeem(purpose, value, valid_for=60))
            except StoreUnavailableError:
                won.append(False)  # in doubt it is refused; whoever counts looks whether anybody won

        workers = [threading.Thread(target=one) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        sys.stdout.write(f"{sum(won)} of {len(won)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
