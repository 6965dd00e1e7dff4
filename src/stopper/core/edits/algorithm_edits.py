"""The edit that names the one algorithm which a decode may take."""

import re

from stopper.core.edits.call_edits import passing
from stopper.core.facts import SourceFacts
from stopper.core.rule import Edit
from stopper.core.tokens.jwt_names import Decoding, encodings
from stopper.core.values import Call, Value, text_of


def one_algorithm(facts: SourceFacts, call: Call, shape: Decoding) -> Edit | None:
    """The algorithm that the application signs with, else the one that the name of the key speaks for; to be looked at."""
    name = _signed_with(facts, call) or _spoken_for(call.argument(shape.key, "key"))
    if not name or shape.algorithms is None or len(call.args) > shape.algorithms:
        return None
    return passing(call, ("algorithms", f'["{name}"]'), safe=False)


def _signed_with(facts: SourceFacts, call: Call) -> str | None:
    """The one algorithm that the same library signs with in this application."""
    library = call.callee.partition(".")[0]
    said = [one.argument(2, "algorithm") for one, _ in encodings(facts) if one.callee.startswith(f"{library}.")]
    names = {"HS256" if one is None else text_of(one) for one in said}
    return names.pop() if len(names) == 1 else None


def _spoken_for(key: Value | None) -> str | None:
    name = getattr(key, "variable", "") or getattr(key, "key", "") or getattr(key, "name", "")
    if re.search(r"(?i)public|rsa|pem|cert", str(name)):
        return "RS256"
    return "HS256" if re.search(r"(?i)secret", str(name)) else None
