"""What a service does with the value itself: shows it, stores it, hands it on."""

import collections
import configparser
import copy
import csv
import dataclasses
import json
import os
import pickle
import pprint
import shelve
import sqlite3
import string
import subprocess
import sys
import tempfile
import traceback
import unittest
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Flask, jsonify, render_template_string
from flask.json.tag import TaggedJSONSerializer
from tests.leaks.place import Group, Place

from stopper.core.secret import Secret, json_default

group = Group()


def refused(work: Any) -> None:
    """Run *work*; that it is refused is an answer too, and its text goes to the output."""
    try:
        work()
    except Exception:
        traceback.print_exc()


@group.path("print")
def _(place: Place) -> None:
    print(place.secret)


@group.path("print of a list")
def _(place: Place) -> None:
    print([place.secret], {"k": place.secret}, {place.secret})


@group.path("repr, ascii, str and format")
def _(place: Place) -> None:
    print(repr(place.secret), ascii(place.secret), str(place.secret), f"{place.secret:>40}")


@group.path("the three ways of %-format")
def _(place: Place) -> None:
    print("%s %r %a" % (place.secret, place.secret, place.secret))


@group.path("string.Template")
def _(place: Place) -> None:
    print(string.Template("key $key").substitute(key=place.secret))


@group.path("pprint of a nested value")
def _(place: Place) -> None:
    pprint.pprint({"a": [{"b": (place.secret,)}]})


@group.path("the repr of a dataclass")
def _(place: Place) -> None:
    made = dataclasses.make_dataclass("Config", ["url", "key"])
    print(made("https://x", place.secret))


@group.path("a dataclass as a dict")
def _(place: Place) -> None:
    made = dataclasses.make_dataclass("Config", ["url", "key"])
    print(dataclasses.asdict(made("https://x", place.secret)))


@group.path("the repr of a named tuple")
def _(place: Place) -> None:
    print(collections.namedtuple("Config", "url key")("https://x", place.secret))


@group.path("JSON")
def _(place: Place) -> None:
    refused(lambda: print(json.dumps({"key": place.secret})))


@group.path("JSON with our default")
def _(place: Place) -> None:
    print(json.dumps({"key": place.secret}, default=json_default))


@group.path("JSON with default=str")
def _(place: Place) -> None:
    print(json.dumps({"key": place.secret}, default=str))


@group.path("JSON with default=vars")
def _(place: Place) -> None:
    refused(lambda: print(json.dumps({"key": place.secret}, default=vars)))


@group.path("a pickle")
def _(place: Place) -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        Path(f"pickle{protocol}").write_bytes(pickle.dumps({"key": place.secret}, protocol))


@group.path("the state that copiers and picklers ask for")
def _(place: Place) -> None:
    refused(lambda: print(place.secret.__getstate__()))
    refused(lambda: print(place.secret.__reduce_ex__(4)))


@group.path("a deep copy that is shown")
def _(place: Place) -> None:
    print(copy.deepcopy({"key": place.secret}), copy.copy(place.secret))


@group.path("a shelf on disk")
def _(place: Place) -> None:
    with shelve.open("shelf") as shelf:
        shelf["key"] = place.secret


@group.path("a row of SQLite")
def _(place: Place) -> None:
    with sqlite3.connect("rows.db") as rows:
        rows.execute("create table t (k text)")
        refused(lambda: rows.execute("insert into t values (?)", (place.secret,)))
    rows.close()


@group.path("a CSV file")
def _(place: Place) -> None:
    with Path("rows.csv").open("w") as opened:
        csv.writer(opened).writerow(["a", place.secret])


@group.path("a config file")
def _(place: Place) -> None:
    config = configparser.ConfigParser(interpolation=None)
    config["shop"] = {}
    refused(lambda: config.set("shop", "key", place.secret))
    with Path("shop.ini").open("w") as opened:
        config.write(opened)


@group.path("a temporary file")
def _(place: Place) -> None:
    with tempfile.NamedTemporaryFile("w", dir=place.folder, delete=False) as opened:
        refused(lambda: opened.write(place.secret))
        refused(lambda: opened.write(str(place.secret)))


@group.path("the arguments of a command")
def _(place: Place) -> None:
    show = "import sys; print(sys.argv)"
    refused(lambda: subprocess.run([sys.executable, "-c", show, place.secret], check=True))
    subprocess.run([sys.executable, "-c", show, f"--key={place.secret}"], check=True)


@group.path("a command that fails, and its error")
def _(place: Place) -> None:
    refused(lambda: subprocess.run(["false", f"--key={place.secret}"], check=True))


@group.path("the environment of a command")
def _(place: Place) -> None:
    show = "import os; print(os.environ.get('KEY'))"
    refused(lambda: subprocess.run([sys.executable, "-c", show], env={"KEY": place.secret}, check=True))
    subprocess.run([sys.executable, "-c", show], env={"KEY": str(place.secret)}, check=True)


@group.path("the environment of this process")
def _(place: Place) -> None:
    refused(lambda: os.environ.__setitem__("SHOP_KEY", place.secret))
    print(dict(os.environ).get("SHOP_KEY"))
    os.environ.pop("SHOP_KEY", None)


@group.path("the query of a URL")
def _(place: Place) -> None:
    print(urlencode({"key": place.secret}))


@group.path("joining texts")
def _(place: Place) -> None:
    refused(lambda: print(" ".join(["a", place.secret])))
    refused(lambda: print("a " + place.secret))


@group.path("an exception's text")
def _(place: Place) -> None:
    try:
        raise ValueError("no such key", place.secret)
    except ValueError as wrong:
        print(wrong, repr(wrong), wrong.args)


@group.path("a failed look-up")
def _(place: Place) -> None:
    refused(lambda: {}[place.secret])


@group.path("an assertion of unittest")
def _(place: Place) -> None:
    refused(lambda: unittest.TestCase().assertEqual({"k": place.secret}, {"k": "x"}))


@group.path("a traceback with local variables")
def _(place: Place) -> None:
    key = place.secret
    del place
    try:
        raise RuntimeError("failed")
    except RuntimeError as wrong:
        print("".join(traceback.TracebackException.from_exception(wrong, capture_locals=True).format()), bool(key))


@group.path("a rich traceback with local variables")
def _(place: Place) -> None:
    from rich.console import Console

    key = place.secret
    folder = place.folder
    del place
    console = Console(file=(folder / "shown").open("w"), width=200)
    try:
        raise RuntimeError("failed")
    except RuntimeError:
        console.print_exception(show_locals=True)
    console.file.close()
    print(bool(key))


@group.path("the inspection of an object")
def _(place: Place) -> None:
    from rich.console import Console
    from rich.pretty import pretty_repr

    print(pretty_repr({"key": place.secret}))
    print({name: repr(getattr(place.secret, name, "")) for name in dir(place.secret) if name != "_value"})
    Console().print(place.secret)


@group.path("a template")
def _(place: Place) -> None:
    with Flask("shop").app_context():
        print(
            render_template_string(
                "{{ key }} {{ key|e }} {{ key|string }} {{ {'k': key} }} {{ key|pprint }}", key=place.secret
            )
        )


@group.path("a template's tojson")
def _(place: Place) -> None:
    with Flask("shop").app_context():
        refused(lambda: print(render_template_string("{{ key|tojson }}", key=place.secret)))


@group.path("jsonify")
def _(place: Place) -> None:
    with Flask("shop").test_request_context():
        refused(lambda: print(jsonify(key=place.secret).get_data(as_text=True)))


@group.path("a dump of app.config")
def _(place: Place) -> None:
    app = Flask("shop")
    app.config["PAYMENT_KEY"] = place.secret
    print(app.config, dict(app.config))
    print(json.dumps(dict(app.config), default=str))


@group.path("a session cookie")
def _(place: Place) -> None:
    refused(lambda: print(TaggedJSONSerializer().dumps({"key": place.secret})))


@group.path("a secret of bytes")
def _(place: Place) -> None:
    value = Secret(place.canary.encode()) if place.protected else place.canary.encode()
    print(value, repr(value), [value])


@group.path("a secret made of a secret")
def _(place: Place) -> None:
    print(Secret(place.secret) if place.protected else place.secret)


@group.path("slices, iteration and sorting")
def _(place: Place) -> None:
    refused(lambda: print(place.secret[:40]))
    refused(lambda: print("".join(place.secret)))
    refused(lambda: print(sorted([place.secret, "a"])))


@group.path("flask shell: the echo of an expression")
def _(place: Place) -> None:
    sys.displayhook(place.secret)
    sys.displayhook({"key": place.secret})
