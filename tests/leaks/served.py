"""The application that the servers of ``servers.py`` run. LEAKS=on: guarded by Stopper."""

import os

from flask import Flask, request

from stopper import Stopper, public

app = Flask("served")
if os.environ.get("LEAKS") == "on":
    Stopper(app)


@app.get("/")
@public
def index() -> str:
    return "ok"


@app.get("/fail")
@public
def fail() -> str:
    raise RuntimeError(f"calling with api_key={request.headers['X-Value']}")
