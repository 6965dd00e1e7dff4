"""A Flask app of people who register and log in, for tests that keep things of theirs there."""

import secrets
from typing import Any

from flask import Flask, abort, jsonify, request

from stopper.core.finding import Verdict
from stopper.scan.catalogue import load
from stopper.scan.trial import try_rule

RULE = next(rule for rule in load() if rule.slug == "cross-user-object-access")


class ToyPeople:
    """``app`` has ``/register`` and ``/login``, where people are *called* by a member of that name; ``caller`` is who shows a token."""

    def __init__(self, app: str, called: str = "username") -> None:
        self.app, self.tokens = Flask(app), dict[str, str]()
        self.passwords = dict[str, str]()

        @self.app.post("/register")
        def register() -> Any:
            sent = request.get_json()
            self.passwords[sent[called]] = sent["password"]
            self.joined(sent[called])
            return jsonify(ok=True), 201

        @self.app.post("/login")
        def login() -> Any:
            sent, token = request.get_json(), secrets.token_urlsafe(24)
            if self.passwords.get(sent[called]) != sent["password"]:
                return jsonify(error="no"), 401
            self.tokens[token] = sent[called]
            return jsonify(token=token)

    def joined(self, name: str) -> None:
        """What somebody has from the start: nothing, where a test does not say otherwise."""

    def caller(self) -> str:
        """The name of who shows a token; a request of anybody else ends here."""
        return self.tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer ")) or abort(401)

    def judged(self, **paths: Any) -> Verdict:
        """What the rule about things of others says of the app, which serves a document of these *paths* if there are any."""
        document = {"openapi": "3.0.3", "info": {"title": self.app.name, "version": "1"}, "paths": paths}
        if paths:
            self.app.add_url_rule("/openapi.json", "document", lambda: jsonify(document))
        return try_rule(RULE, self.app)
