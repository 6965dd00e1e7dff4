"""A small honest value for a JSON schema."""

import re
from collections.abc import Mapping, Sequence
from typing import Final, cast

DEPTH: Final = 8
_FORMATS: Final = {
    "email": "{canary}@example.com",
    "uri": "https://example.com/",
    "url": "https://example.com/",
    "uuid": "00000000-0000-0000-0000-000000000001",
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "hostname": "example.com",
    "byte": "c3RvcHBlcg==",
    "password": "Pass-{canary}-9a!",
}


_USUAL: Final = (
    (re.compile(r"(?i)phone|mobile|msisdn"), "+15550100123"),
    (re.compile(r"(?i)pesel|(^|_)(ssn|nin|cnp|cpf|dni|bsn|curp)$|national_?id|social_security|tax_?(id|number)|passport|id_?card"), "12345678901"),
    (re.compile(r"(?i)(zip|postal|post)_?(code)?$"), "12345"),
    (re.compile(r"(?i)(^|_)(dob|birth_?(date|day)|date_of_birth)$"), "1990-01-01"),
    (re.compile(r"(?i)(^|_)currency(_code)?$"), "EUR"),
    (re.compile(r"(?i)(^|_)country_code$"), "US"),
    (re.compile(r"(?i)(^|_)(age|level|rank|quantity|qty|count|rating|stars|score|year|stock|days|hours|seats|floor)$"), "1"),
    (re.compile(r"(?i)(^|_)(price|cost|fee|salary|wage|budget|amount|balance)$|[a-z](Price|Cost|Amount)$"), "10.00"),
    (re.compile(r"(?i)(^|_)(date|deadline)$|(start|end|due|from|to)_?date$|[a-z]Date$"), "2026-01-01"),
)  # fmt: skip
"""What is short or has a form of its own although nothing says so: a longer text breaks the statement that keeps it."""


def sample(schema: object, canary: str, name: str = "", depth: int = DEPTH) -> object:
    """A value that *schema* most likely accepts; None where it says nothing. Deep schemas end in None."""
    if not isinstance(schema, Mapping) or depth <= 0:
        return None
    said = cast("Mapping[str, object]", schema)
    for key in ("example", "default", "const"):
        if key in said:
            return said[key]
    for key in ("enum", "examples"):
        found = said.get(key)
        if isinstance(found, Sequence) and not isinstance(found, str) and found:
            return cast("Sequence[object]", found)[0]
    for key in ("oneOf", "anyOf"):
        found = said.get(key)
        if isinstance(found, Sequence) and not isinstance(found, str) and found:
            return sample(cast("Sequence[object]", found)[0], canary, name, depth - 1)
    if "allOf" in said:
        return _merged(said, canary, name, depth)
    return _by_type(said, canary, name, depth)


def _merged(said: Mapping[str, object], canary: str, name: str, depth: int) -> object:
    found = said["allOf"]
    parts = cast("list[object]", found) if isinstance(found, list) else []
    whole: dict[str, object] = {}
    last: object = None
    for made in (*(sample(part, canary, name, depth - 1) for part in parts), _by_type(said, canary, name, depth)):
        if isinstance(made, dict):
            whole.update(cast("dict[str, object]", made))
        elif made is not None:
            last = made
    return whole or last


def _by_type(said: Mapping[str, object], canary: str, name: str, depth: int) -> object:
    kind = said.get("type")
    if isinstance(kind, list):
        kind = next((one for one in cast("list[object]", kind) if one != "null"), None)
    if kind == "object" or (kind is None and "properties" in said):
        return _object(said, canary, depth)
    if kind == "array":
        item = sample(said.get("items"), canary, name, depth - 1)
        return [] if item is None else [item]
    if kind == "integer":
        return _number(said, 30 if re.fullmatch(r"(?i)(\w+_)?age", name) else 1)
    if kind == "number":
        return _number(said, 1.0)
    if kind == "boolean":
        return False
    return _text(said, canary, name) if kind == "string" else None


def _object(said: Mapping[str, object], canary: str, depth: int) -> dict[str, object]:
    """Every property that a client may write."""
    found = said.get("properties")
    made: dict[str, object] = {}
    properties = cast("Mapping[str, object]", found) if isinstance(found, Mapping) else dict[str, object]()
    for key, value in properties.items():
        hidden = isinstance(value, Mapping) and cast("Mapping[str, object]", value).get("readOnly")
        if not hidden:
            made[key] = sample(cast("object", value) if isinstance(value, Mapping) else value, canary, key, depth - 1)
    return made


def _number(said: Mapping[str, object], usual: float) -> float:
    least, most = said.get("minimum"), said.get("maximum")
    if isinstance(least, (int, float)) and not isinstance(least, bool) and usual < least:
        return least
    if isinstance(most, (int, float)) and not isinstance(most, bool) and usual > most:
        return most
    return usual


def _text(said: Mapping[str, object], canary: str, name: str) -> str:
    form = said.get("format")
    if isinstance(form, str) and form in _FORMATS:
        text = _FORMATS[form].format(canary=canary)
    elif "mail" in name.lower():
        text = f"{canary}@example.com"
    elif "passw" in name.lower():
        text = f"Pass-{canary}-9a!"
    else:
        text = next((usual for words, usual in _USUAL if words.search(name)), f"text {canary}")
    least, most = said.get("minLength"), said.get("maxLength")
    if isinstance(least, int) and len(text) < least <= 10_000:
        text = text.ljust(least, "x")
    return text[:most] if isinstance(most, int) and most > 0 else text
