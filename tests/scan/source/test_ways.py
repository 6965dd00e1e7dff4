"""Ways on which something goes to where it is shown: each is followed to its end, and no further."""

import pytest

from stopper.core.facts import source_of

HEAD = """\
import contextvars, functools, logging, queue, requests
from concurrent.futures import ThreadPoolExecutor
from blinker import signal
from flask import Flask, Request, g, request
from werkzeug.local import LocalProxy
app = Flask(__name__)
log = logging.getLogger(__name__)
KEY = "X-Api-Key"
"""


def kinds(read, text: str, sink: str = "log") -> set[str]:
    """The kinds of labels that reach that sink anywhere in the program."""
    return {label.kind for flow in source_of(read(HEAD + text).app).flows(sink) for label in flow.labels}


HOOK = (
    "@app.before_request\ndef start():\n    {put}\n@app.get('/')\ndef index():\n    log.info({read})\n    return ''\n"
)
DECORATED = """\
def with_key(view):
    @functools.wraps(view)
    def wrapper(*args, **kwargs):
        return view({handed}, *args, **kwargs)
    return wrapper
@app.get('/<int:number>')
@with_key
def index(first, number):
    log.info(first)
    return ''
"""


@pytest.mark.parametrize(
    ("put", "read_as"),
    [
        ("g.caller_key = request.headers[KEY]", "g.caller_key"),
        ("setattr(g, 'shown', request.headers[KEY])", "g.get('shown')"),
        ("g.setdefault('shown', request.headers[KEY])", "g.shown"),
        ("request.shown = request.headers[KEY]", "request.shown"),
    ],
)
def test_kept_for_the_rest_of_the_request(read, put, read_as):
    assert "api-key" in kinds(read, HOOK.format(put=put, read=read_as))


@pytest.mark.parametrize(
    ("made", "put", "taken"),
    [
        ("contextvars.ContextVar('shown')", "held.set({})", "held.get()"),
        ("queue.Queue()", "held.put({})", "held.get()"),
        ("queue.SimpleQueue()", "held.put_nowait({})", "held.get_nowait()"),
    ],
)
def test_held_by_an_object_of_the_module(read, made, put, taken):
    text = f"held = {made}\nother = {made}\n" + HOOK.format(put=put.format("request.headers[KEY]"), read=taken)
    assert "api-key" in kinds(read, text)
    assert "api-key" not in kinds(read, text.replace("log.info(held", "log.info(other"))


@pytest.mark.parametrize("proxy", ["LocalProxy(shown)", "LocalProxy(lambda: request.headers[KEY])"])
def test_behind_a_proxy(read, proxy):
    text = f"def shown():\n    return request.headers[KEY]\nheld = {proxy}\n" + HOOK.format(put="pass", read="held")
    assert "api-key" in kinds(read, text)


def test_a_request_class_of_the_project(read):
    text = (
        "class Own(Request):\n    @property\n    def shown(self):\n        return self.headers.get(KEY)\n"
        "    def fresh(self):\n        return self.headers['Authorization']\napp.request_class = Own\n"
    )
    assert "api-key" in kinds(read, text + HOOK.format(put="pass", read="request.shown"))
    assert "authorization-header" in kinds(read, text + HOOK.format(put="pass", read="request.fresh()"))


def test_a_generator_gives_what_it_yields(read):
    text = "def each(args):\n    for name in args:\n        yield f'{name}: {args[name]}'\n"
    assert "query-string" in kinds(read, text + HOOK.format(put="pass", read="', '.join(each(request.args))"))


@pytest.mark.parametrize(
    "run",
    [
        "pool.submit(show, request.headers[KEY])",
        "list(pool.map(show, [request.headers[KEY]]))",
        "pool.apply_async(show, (request.headers[KEY],))",
        "scheduler.add_job(show, 'date', args=[request.headers[KEY]])",
        "loop.run_in_executor(None, show, request.headers[KEY])",
        "threading.Timer(5, show, [request.headers[KEY]]).start()",
        "threading.Thread(target=show, kwargs={'text': request.headers[KEY]}).start()",
        "tasks.enqueue_call(func=show, args=(request.headers[KEY],))",
        "changed.send(app, text=request.headers[KEY])",
    ],
)
def test_run_by_somebody_else(read, run):
    text = (
        "import threading\npool = ThreadPoolExecutor()\nchanged = signal('changed')\n"
        "def show(text):\n    log.info(text)\n@changed.connect\ndef noted(sender, text):\n    log.info(text)\n"
    )
    assert "api-key" in kinds(read, f"{text}@app.get('/')\ndef index():\n    {run}\n    return ''\n")


def test_handed_over_by_a_decorator(read):
    assert "api-key" in kinds(read, DECORATED.format(handed="request.headers[KEY]"))
    assert not kinds(read, DECORATED.format(handed="'fixed'"))


@pytest.mark.parametrize(
    "hook",
    [
        "class Own(logging.Formatter):\n    def format(self, record):\n        return f'{request.headers[KEY]} {record.msg}'\n",
        "class Own(logging.Filter):\n    def filter(self, record):\n        record.shown = request.headers[KEY]\n        return True\n",
        "class Own(logging.Filter):\n    def filter(self, record):\n        setattr(record, 'shown', request.headers[KEY])\n        return True\n",
        "class Own(logging.LoggerAdapter):\n    def process(self, msg, kwargs):\n        return f'{self.extra[1]} {msg}', kwargs\n"
        "@app.get('/')\ndef index():\n    Own(log, [0, request.headers[KEY]]).info('asked')\n    return ''\n",
        "import structlog\ndef own(logger, method, event):\n    event['shown'] = request.headers[KEY]\n    return event\n"
        "structlog.configure(processors=[own])\n",
    ],
)
def test_put_on_every_line_of_the_log(read, hook):
    assert "api-key" in kinds(read, hook)


def test_a_client_of_the_project_sends_on_what_it_is_handed(read):
    text = (
        "class Own(requests.Session):\n    def request(self, method, url, **kwargs):\n        kwargs.setdefault('timeout', 5)\n"
        "        return super().request(method, url, **kwargs)\nclient = Own()\n"
        "@app.get('/')\ndef index():\n    return client.get(request.args['url']).text\n"
    )
    assert "query-string" in kinds(read, text, "outbound-url")


@pytest.mark.parametrize(
    ("made", "done", "sink"),
    [
        ("session", "self.held.update(values)", "session"),
        ("session", "self.held['shown'] = values['shown']", "session"),
        ("'/var/log/app/audit.log'", "open(self.held, 'a').write(str(values))", "log"),
    ],
)
def test_a_sink_that_an_object_is_made_with(read, made, done, sink):
    text = (
        "from flask import session\n"
        f"class Keep:\n    def __init__(self, held):\n        self.held = held\n    def keep(self, **values):\n        {done}\n"
        f"@app.get('/')\ndef index():\n    Keep({made}).keep(shown=request.headers[KEY])\n    return ''\n"
    )
    assert "api-key" in kinds(read, text, sink)


def test_a_field_holds_what_it_was_made_with(read):
    text = (
        "from dataclasses import dataclass\n@dataclass\nclass Search:\n    term: str\n    order: str\n"
        "def made(args):\n    return Search(args['q'], 'name')\n"
        "@app.get('/')\ndef index():\n    log.info(made(request.args).{field})\n    return ''\n"
    )
    assert "query-string" in kinds(read, text.replace("{field}", "term"))
    assert not kinds(read, text.replace("{field}", "order"))


def test_what_a_base_has_its_heirs_do(read):
    text = (
        "class Base:\n    def handle(self, value):\n        return self.show(value)\n"
        "    def show(self, value):\n        raise NotImplementedError\n"
        "class Own(Base):\n    def show(self, value):\n        log.info(value)\n        return value\n"
        "@app.get('/')\ndef index():\n    return Own().handle(request.args['q'])\n"
    )
    assert "query-string" in kinds(read, text)
    assert "query-string" in kinds(read, text, "response")


@pytest.mark.parametrize("made", ["Search(request.args['q'], 'name')", "Search(**request.args)"])
def test_a_field_that_only_its_annotation_declares(read, made):
    text = (
        "from dataclasses import dataclass\n@dataclass\nclass Search:\n    term: str\n    order: str\n"
        "    def line(self):\n        for _ in range(2):\n            log.info(self.term)\n"
        f"@app.get('/')\ndef index():\n    {made}.line()\n    return ''\n"
    )
    assert "query-string" in kinds(read, text)


def test_a_table_that_a_decorator_fills(read):
    text = (
        "TASKS = {}\ndef task(name):\n    def register(function):\n        TASKS[name] = function\n        return function\n"
        "    return register\n@task('show')\ndef show(body):\n    log.info(body)\n"
        "@app.get('/')\ndef index():\n    TASKS[request.args['kind']](request.headers[KEY])\n    return ''\n"
    )
    assert "api-key" in kinds(read, text)


def test_a_client_that_is_handed_over_is_asked_by_get(read):
    text = (
        "import httpx\ndef fetch(client, url):\n    return client.get(url)\n"
        "@app.get('/')\ndef index():\n    return fetch(httpx.Client(timeout=5), request.args['url']).text\n"
    )
    assert "query-string" in kinds(read, text, "outbound-url")


def test_an_address_that_is_put_together_again(read):
    text = (
        "from urllib.parse import urlsplit, urlunsplit\n@app.get('/')\ndef index():\n"
        "    log.info(urlunsplit(urlsplit(request.args['url'])._replace(fragment='')))\n    return ''\n"
    )
    assert "query-string" in kinds(read, text)
