"""One process of a race: reads a token a line, refreshes it in many threads at once, writes what each thread got.

Arguments: database URL, key file, threads.
"""

import hashlib
import json
import sys
import threading
from pathlib import Path

from tests.servers.issuing import issuing

from stopper.core.errors import RefusalError
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
            try:
                results.append(hashlib.sha256(refresh.refresh(token, client_id="web")).hexdigest())
            except RefusalError as refused:
                results.append(f"refused: {refused.reason}")

        workers = [threading.Thread(target=one) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        _tell(json.dumps(results))


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
