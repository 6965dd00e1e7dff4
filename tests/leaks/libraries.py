"""What libraries print and log of their own accord."""

import http.client
import http.server
import logging
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import requests
import sqlalchemy as sa
import urllib3
from tests.leaks.place import Group, Place

group = Group()


@contextmanager
def answering() -> Iterator[int]:
    """A server on loopback that answers everything with 204 and says nothing."""

    class Quiet(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def to_file() -> None:
    logging.basicConfig(filename="app.log", level=logging.DEBUG)


@group.path("http.client with its debuglevel")
def _(place: Place) -> None:
    with answering() as port:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.set_debuglevel(1)
        connection.request("GET", f"/?x={place.canary}", headers={"X-Key": place.canary})
        connection.getresponse().read()
        connection.close()


@group.path("urllib with its debuglevel")
def _(place: Place) -> None:
    with answering() as port:
        opener = urllib.request.build_opener(urllib.request.HTTPHandler(debuglevel=1), urllib.request.ProxyHandler({}))
        asked = urllib.request.Request(f"http://127.0.0.1:{port}/", headers={"X-Key": place.canary})
        opener.open(asked).close()


@group.path("urllib3 at level DEBUG")
def _(place: Place) -> None:
    to_file()
    with answering() as port, urllib3.PoolManager() as pool:
        pool.request("GET", f"http://127.0.0.1:{port}/?x={place.canary}")


@group.path("urllib3's warnings of retries")
def _(place: Place) -> None:
    to_file()
    with suppress(urllib3.exceptions.HTTPError), urllib3.PoolManager() as pool:
        pool.request("GET", f"http://127.0.0.1:1/?x={place.canary}", retries=urllib3.Retry(1, backoff_factor=0))


@group.path("an error of requests in the log")
def _(place: Place) -> None:
    to_file()
    try:
        requests.get(f"http://127.0.0.1:1/?x={place.canary}", timeout=5, proxies={"http": "", "no_proxy": "*"})
    except requests.RequestException:
        logging.getLogger("shop").exception("failed")


def database(**options: object) -> sa.Engine:
    to_file()
    return sa.create_engine("sqlite://", **options)


@group.path("SQLAlchemy with echo")
def _(place: Place) -> None:
    engine = database(echo=True)
    with engine.begin() as connection:
        connection.execute(sa.text("select :k"), {"k": place.canary})
    engine.dispose()


@group.path("SQLAlchemy with echo of rows")
def _(place: Place) -> None:
    engine = database(echo="debug")
    with engine.begin() as connection:
        connection.execute(sa.text(f"select '{place.canary}'")).all()
    engine.dispose()


@group.path("an error of SQLAlchemy with its parameters")
def _(place: Place) -> None:
    engine = database()
    try:
        with engine.begin() as connection:
            connection.execute(sa.text("insert into nowhere values (:k)"), {"k": place.canary})
    except sa.exc.SQLAlchemyError:
        logging.getLogger("shop").exception("failed")
    engine.dispose()


@group.path("the URL of a database that does not answer")
def _(place: Place) -> None:
    to_file()
    logging.getLogger("shop").error("no answer from %s", f"postgresql://app:{place.canary}@127.0.0.1:1/app")


@group.path("a statement that Alembic logs")
def _(place: Place) -> None:
    from alembic.migration import MigrationContext
    from alembic.operations import Operations

    engine = database(echo=True)
    with engine.begin() as connection:
        Operations(MigrationContext.configure(connection)).execute(f"select '{place.canary}'")
    engine.dispose()


@group.path("jinja2's report of a broken template")
def _(place: Place) -> None:
    import jinja2

    to_file()
    try:
        jinja2.Template("{{ key.missing.more }}", undefined=jinja2.StrictUndefined).render(key=place.canary)
    except jinja2.UndefinedError:
        logging.getLogger("shop").exception("rendering with %s", {"key": place.canary})


@group.path("asyncio in debug mode")
def _(place: Place) -> None:
    import asyncio
    import time

    to_file()

    async def slow(value: str) -> None:
        time.sleep(0.15)

    async def main() -> None:
        task = asyncio.create_task(slow(place.canary), name=f"call {place.canary}")
        await task

    asyncio.run(main(), debug=True)
    assert Path("app.log").read_text()
