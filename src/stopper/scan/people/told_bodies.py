"""What a refusal of a registration tells of the members that it wants otherwise: a shorter name, digits alone, a yes."""

import json
import re
import secrets
import string
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Final, cast
from urllib.parse import parse_qsl

from stopper.core.exchange import Effect, Exchange, Request, Response
from stopper.core.login_names import PASSWORD, SUBJECT, pairs
from stopper.core.naming import as_parameter
from stopper.core.probing.accounts.account_body import PHONE
from stopper.core.probing.turned_away import turned_away
from stopper.scan.people.doors import json_of
from stopper.scan.people.told_members import REPEATED, TEXT_MOST, USUAL, Account, account_members, as_it_names

ROUNDS: Final = 12
"""Times that a body is changed after what a refusal tells: many name one missing field after the other."""
SHORT: Final = 10
"""Signs of a name of letters that is short enough for nearly everybody, and its own."""
_DIGITS: Final = re.compile(
    r"(?i)(\d{1,2})\s*-?\s*(?:to\s*(\d{1,2})\s*)?digits?\b|\b(?:only|numeric|digits)\b.{0,20}?(\d{1,2})?"
)
_LETTERS: Final = re.compile(
    r"(?i)only (?:contain )?(?:letters|alphabetic)|letters only|alphabetic\b(?! ?numeric)|contain letters only|only letters"
)
_PLAIN: Final = re.compile(
    r"(?i)alpha-?numeric|letters and (?:numbers|digits)|special characters? (?:are|is) not|no special"
)
_MOST: Final = re.compile(
    r"(?i)(?:\d{1,3}\s*(?:-|–|to|and)\s*(\d{1,3})|(?:max\w*|at most|no (?:more|longer) than|up to|too long|exceed\w*|fewer than|less than|under)\D{0,25}(\d{1,3}))"
)
_YEARS: Final = re.compile(r"(?i)\b(1[68]|21)\b")
_DATES: Final = (
    ("yyyy-mm-dd", "1990-01-01"),
    ("dd/mm/yyyy", "01/01/1990"),
    ("mm/dd/yyyy", "01/01/1990"),
    ("dd-mm-yyyy", "01-01-1990"),
)
_ONE_OF: Final = re.compile(
    r"(?i)(?:one of|must be|choose from|allowed(?: values)?(?: are)?|either)\s*:?\s*[\[({]?((?:['\"]?[a-z_]{3,20}['\"]?(?:\s*,\s*|\s*\|\s*|\s*/\s*|\s+or\s+))+['\"]?[a-z_]{3,20})"
)
_GIVEN: Final = re.compile(r"(?i)^(first|given|fore|last|family|middle|full|display)_?name$|^surname$")
_PLACE: Final = (
    ("street", "1 Main Street"), ("city", "Springfield"), ("zip", "12345"), ("zip_code", "12345"), ("postal_code", "12345"), ("state", "CA"), ("country", "US"),
)  # fmt: skip
"""What an object says that is asked for where a text was sent: mostly it is an address."""
_HIGH: Final = re.compile(r"(?i)admin|root|super|staff|manager|owner")
_TOLD: Final = re.compile(r"(?i)\b(user ?name|login|handle)\b")


def until_taken(
    body: dict[str, object],
    target: str,
    send: Callable[[Request], Exchange | None],
    account: Account,
    make: Callable[[str, dict[str, object], Effect], Request] = json_of,
) -> tuple[dict[str, object], Exchange] | None:
    """The body that is taken in the end at *target*, and the answer to it; None where a refusal tells nothing more. Where the first ones
    tell nothing at all, everything that an account is usually made of is sent."""
    widened = False
    for _ in range(ROUNDS):
        exchange = send(make(target, body, "write"))
        if exchange is None or exchange.response.status in (401, 404, 405, 415, 429):
            return None
        if not turned_away(exchange.response):
            return body, exchange
        changed = _changed(body, exchange.response, account)
        if make is not json_of and any(isinstance(value, dict) for value in changed.values()):
            return None  # a form holds no objects
        if changed == body and not widened and exchange.response.status != 403:
            widened = True
            usual = account_members([name for name in USUAL if name not in body], account)
            plain = {name: _ten_digits(str(value)) if PHONE.search(name) else value for name, value in body.items()}
            changed = {**usual, **plain} if not any(isinstance(value, dict) for value in body.values()) else body
        if changed == body:
            return None
        body = changed
    return None


def _changed(body: dict[str, object], refusal: Response, account: Account) -> dict[str, object]:
    """*body* as the refusal wants it: with other members, or else with other values in them."""
    named = as_it_names(body, refusal, account)
    if named != body:
        return named
    if len(body) == 1 and isinstance(inner := next(iter(body.values())), dict):
        held = cast("dict[str, object]", inner)
        return {name: amended(held, refusal.text[:TEXT_MOST]) for name in body}
    return amended(body, refusal.text[:TEXT_MOST])


def amended(body: Mapping[str, object], text: str) -> dict[str, object]:
    """*body* with the members of which *text* speaks as it wants them; the same where nothing is understood."""
    meant = [name for name in body if _speaks_of(name, text)]
    return {name: _as_wanted(name, value, text) if name in meant else value for name, value in body.items()}


def _wanted_object(text: str) -> bool:
    return (
        re.search(r"(?i)must be an? (object|dict|mapping)|valid (dictionary|mapping)|is not of type 'object'", text)
        is not None
    )


def _speaks_of(name: str, text: str) -> bool:
    lowered, said = text.lower(), as_parameter(name)
    if said in lowered or said.replace("_", " ") in lowered or name.lower() in lowered:
        return True
    if PASSWORD.search(name):
        return "password" in lowered or ("pin" in said and re.search(r"\bpin\b", lowered) is not None)
    if re.fullmatch(r"(user_?)?name|login|handle", said):
        return _TOLD.search(text) is not None
    parts = [part for part in said.split("_") if len(part) > 2]
    return any(re.search(rf"\b{part}\b", lowered) for part in parts) and not SUBJECT.search(name)


def _as_wanted(name: str, value: object, text: str) -> object:
    said = str(value)
    if isinstance(value, bool):
        return True
    if isinstance(value, int) and not PASSWORD.search(name):
        if re.search(r"(?i)\b(tele)?phone|\bmobile|\bcell", text):
            return _of_digits(10)
        if (found := _DIGITS.search(text)) is not None and re.search(r"(?i)digit", text):
            return int(_of_digits(int(found.group(2) or found.group(1) or found.group(3) or 6)))
        return 30 if _YEARS.search(text) else value
    if _wanted_object(text) and not isinstance(value, dict):
        return dict[str, object](_PLACE)
    if re.search(r"(?i)first and last|full name|two words|(contain|include) a space", text) and not PASSWORD.search(
        name
    ):
        return "Alice Miller"
    if (found := _DIGITS.search(text)) is not None and (
        PASSWORD.search(name) or PHONE.search(name) or re.search(r"digit", text)
    ):
        number = _of_digits(int(found.group(2) or found.group(1) or found.group(3) or 6))
        return int(number) if isinstance(value, int) else number
    if PHONE.search(name) and re.search(r"(?i)valid|number|numeric|format", text):
        return _ten_digits(said)
    if (chosen := _ONE_OF.search(text)) is not None and not PASSWORD.search(name):
        words = re.findall(r"[A-Za-z_]{3,}", chosen.group(1))
        return next((word for word in words if not _HIGH.search(word) and word != "or"), said)
    for form, day in _DATES:
        if form in text.lower():
            return day
    if re.search(r"(?i)two[- ]letter|iso ?3166|alpha-?2|2[- ]letter", text):
        return "US"
    if _LETTERS.search(text) and not PASSWORD.search(name):
        said = said.translate(str.maketrans(string.digits, "abcdefghij"))
        said = re.sub(r"[^A-Za-z ]", "", said)
    elif _PLAIN.search(text):
        said = re.sub(r"[^A-Za-z0-9]", "", said)
    elif "role" in name.lower() or "type" in name.lower():
        return "user" if said != "user" else "customer"
    if (found := _MOST.search(text)) is not None and len(said) > (most := int(found.group(1) or found.group(2))) > 2:
        said = said[:most] if PASSWORD.search(name) or "@" not in said else said
    return said


def _ten_digits(phone: str) -> str:
    return re.sub(r"\D", "", phone)[-10:]


def _of_digits(count: int) -> str:
    """So many digits, the first of which is none that a number loses."""
    return str(secrets.choice(range(1, 10))) + "".join(
        secrets.choice(string.digits) for _ in range(max(0, min(count, 20) - 1))
    )


def a_short_name() -> str:
    """A name of letters alone that nobody else has."""
    return "".join(secrets.choice(string.ascii_lowercase) for _ in range(SHORT))


def subjects_of(said: Mapping[str, object], answer: object) -> Iterator[str]:
    """By what somebody may log in who was registered by *said*: names, addresses and numbers of it, then what the *answer* calls an account."""
    named = [
        text
        for name, text in (
            *((one, str(value)) for one, value in said.items() if not isinstance(value, dict)),
            *pairs(said),
        )
        if (SUBJECT.search(name) or PHONE.search(name)) and not PASSWORD.search(name)
    ]
    called = re.compile(
        r"(?i)account(_?(no|number|id))?|(user|customer|client|member|login|card)_?(id|no|number)|id|username"
    )
    told = [text for name, text in pairs(answer) if called.fullmatch(name) and text not in named]
    yield from dict.fromkeys((*named, *told))


def of_account(said: object) -> dict[str, object]:
    """The members of a body that say who somebody is and prove it, in the object that holds them; none where either is missing."""
    if not isinstance(said, dict):
        return {}
    members = cast("dict[str, object]", said)
    for name, inner in members.items():
        if isinstance(inner, dict) and (held := of_account(cast("object", inner))):
            return {**({"type": members["type"]} if "type" in members else {}), name: held}
    proof = {name: value for name, value in members.items() if PASSWORD.search(name) and name not in REPEATED}
    who = {
        name: value
        for name, value in members.items()
        if (SUBJECT.search(name) or PHONE.search(name))
        and name not in proof
        and isinstance(value, (str, int))
        and not _GIVEN.search(name)
    }
    if not who:
        who = dict(
            islice(
                ((name, value) for name, value in members.items() if name not in proof and isinstance(value, str)), 1
            )
        )
    return {**who, **proof} if who and proof else {}


def password_of(said: Mapping[str, object]) -> str:
    """The password of such a body; empty where it has none."""
    return next((text for name, text in pairs(said) if PASSWORD.search(name)), "") or next(
        (str(value) for name, value in said.items() if PASSWORD.search(name)), ""
    )


def sent_by(request: Request) -> object:
    """What a request says in JSON, or as a form."""
    try:
        return json.loads(request.body)
    except ValueError:
        return dict(parse_qsl(request.body.decode("utf-8", "replace")))
