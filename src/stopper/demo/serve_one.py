"""Serves one of the sample APIs on loopback: ``python -m stopper.demo.serve_one leaky 8001``."""

import importlib
import sys

from werkzeug.serving import make_server

from stopper.demo.loopback import is_loopback


def serve(name: str, port: int, host: str = "127.0.0.1") -> None:
    """Serve `stopper.demo.<name>:app` until the process is stopped. Raises ValueError for a host that is not loopback."""
    if not is_loopback(host):
        raise ValueError(f"the sample APIs are for this machine alone, not for {host}")
    app = importlib.import_module(f"stopper.demo.{name}").app
    make_server(host, port, app, threaded=True).serve_forever()


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
