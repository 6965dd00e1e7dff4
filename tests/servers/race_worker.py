"""One process of a race: reads a token a line, refreshes it in many threads at once, writes what each thread got.

Arguments: database URL, key file, threads.
"""

import hashlib
import json
import sys
import threading
from pathlib import Path

from tests.servers.issuing import issuing

from stopper.auth.refresh_token import RefreshTokens
from stopper.core.errors import RefusalError, StoreUnavailableError
from stopper.store import open_store


def main(url: str, key_file: str, threads: int) -> None:
    """Work until stdin ends."""
    store = open_store(url, key_file=Path(key_file))
    refresh = issuing(store).refresh
    _tell("ready")
    for line in sys.stdin:
        token = line.strip()
        results: list[str] = []
        barrier = threading.Barrier(threads)

        def one(token: str = token, results: list[str] = results, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            results.append(_patiently(refresh, token))

        workers = [threading.Thread(target=one) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        _tell(json.dumps(results))


def _patiently(refresh: RefreshTokens, token: str) -> str:
    """What a client gets that asks again after a 503: hundreds at one database may be too many at once, and none of them may lose by it."""
    for _ in range(3):
        try:
            return hashlib.sha256(refresh.refresh(token, client_id="web")).hexdigest()
        except StoreUnavailableError:
            continue
        except RefusalError as refused:
            return f"refused: {refused.reason}"
    return "unavailable three times"


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
