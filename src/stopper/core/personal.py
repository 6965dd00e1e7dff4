"""Names that say a value is about a person, and people's data in an answer."""

import re
from collections.abc import Iterator
from typing import Final, cast

from stopper.core.exchange import Exchange
from stopper.core.probing.things.objects import entries

_NAMES: Final = re.compile(
    r"(?i)^((user|contact|customer|home|billing|sender|recipient|owner|guest|client|member|patient|employee|student|author|seller|buyer|driver|passenger|private|personal)_?)?(e_?mail(_?address)?|phone(_?number)?|mobile|password(_?hash)?|passwd|ssn|"
    r"social_security(_number)?|date_of_birth|birth_?date|birthday|dob|iban|card_?number|passport(_number)?|salary|street|"
    r"postal_?address|home_?address|tax_id|national_id)$"
)
_CALLED: Final = re.compile(r"(user|login|first|last|full)_?name|login|surname|e_?mail")
_MAY: Final = re.compile(r"(is_?)?(admin|staff|superuser|root)|(user_?)?roles?|permissions|access_?level")
_EMAIL: Final = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,190}\.[A-Za-z]{2,24}")


def luhn(number: str) -> bool:
    """That the check digit of a card's number is right (ISO/IEC 7812-1, annex B); one digit again and again is no number."""
    digits = [int(char) for char in number if char.isdigit()][::-1]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0 and len(set(digits)) > 1


def is_personal(name: str) -> bool:
    """Whether a member, column or attribute of that name holds data of one person."""
    return bool(_NAMES.match(name))


def mentions_personal(text: str) -> bool:
    """Whether a text, such as a SELECT, names a personal column."""
    return any(is_personal(word) for word in re.findall(r"[A-Za-z_]{3,40}", text))


def people_in(value: object, depth: int = 6) -> Iterator[str]:
    """The names of personal members that have a value, in the objects of a JSON answer."""
    if depth == 0:
        return
    if isinstance(value, dict):
        for name, item in cast("dict[str, object]", value).items():
            if is_personal(name) and isinstance(item, (str, int)) and item not in ("", 0, False):
                yield name
            else:
                yield from people_in(item, depth - 1)
    elif isinstance(value, list):
        for item in cast("list[object]", value)[:50]:
            yield from people_in(item, depth - 1)


def addresses_in(text: str) -> set[str]:
    """The e-mail addresses in a text, in lower case."""
    return {found.lower() for found in _EMAIL.findall(text)}


def lists_accounts(value: object) -> bool:
    """Whether an answer lists accounts, each with who it is and what it may: who the administrators are is nobody else's business."""
    told = [{name.lower().replace("-", "_") for name in entry} for entry in entries(value)]
    return len(told) > 1 and all(
        any(map(_CALLED.fullmatch, names)) and any(map(_MAY.fullmatch, names)) for names in told
    )


def many_people(anonymous: Exchange) -> bool:
    """A list of people, or a password. A document that says "public" may mean one person's own page, hardly these."""
    names = list(people_in(anonymous.response.json()))
    return (
        len(addresses_in(anonymous.response.text)) > 1
        or len(names) > 2
        or any("pass" in name.lower() for name in names)
    )


def describes_an_api(seen: Exchange) -> bool:
    """An OpenAPI document names fields of people, with examples of them, and holds nobody's data."""
    said = seen.response.json()
    return isinstance(said, dict) and bool({"openapi", "swagger"} & cast("dict[str, object]", said).keys())
