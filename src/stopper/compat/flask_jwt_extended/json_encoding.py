"""Claims as JSON, the way the application itself writes JSON."""

import json
from typing import Any, cast

from flask import Flask, current_app
from flask.json.provider import DefaultJSONProvider


class JSONEncoder(json.JSONEncoder):
    """Writes what JSON does not know (dates, UUIDs) as the application's JSON provider does."""

    def default(self, o: Any) -> Any:
        """*o* as something that JSON knows. Raises TypeError."""
        provider = cast("type[object]", current_app.json_provider_class)
        return getattr(provider, "default", DefaultJSONProvider.default)(o)


def get_json_encoder(app: Flask) -> type[json.JSONEncoder]:
    """The encoder for tokens of *app*."""
    return JSONEncoder
