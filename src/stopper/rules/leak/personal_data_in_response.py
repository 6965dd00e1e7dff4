"""Card numbers, national ids and addresses of people go to whoever asks."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final, cast

from stopper.core.answers.response_fields import members_of
from stopper.core.app import Route
from stopper.core.exchange import Exchange, Response
from stopper.core.finding import Evidence, Verdict
from stopper.core.naming import as_parameter
from stopper.core.personal import addresses_in, describes_an_api, luhn, people_in
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, failed, not_applicable, passed, send
from stopper.core.probing.accounts.login import REGISTERED
from stopper.core.probing.accounts.ordinary import is_low
from stopper.core.probing.accounts.others_accounts import account
from stopper.core.probing.accounts.reset import mail_of
from stopper.core.probing.baseline import attempt
from stopper.core.probing.inputs import members
from stopper.core.probing.provoke import Provoked, asked_honestly
from stopper.core.rule import Rule

_CARD: Final = re.compile(
    r"(?<![\w.-])(?:4\d{3}|5[1-5]\d\d|2[2-7]\d\d|3[47]\d\d|6011|65\d\d)(?:[ -]?\d{4}){2}[ -]?\d{3,4}(?![\w.-])"
)
_SSN: Final = re.compile(r"(?<![\w-])(?!000|666|9\d\d)\d{3}-(?!00)\d\d-(?!0000)\d{4}(?![\w-])")
_IBAN: Final = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w)")
_OURS: Final = re.compile(
    r"(?i)^(?:info|support|contact|hello|admin|noreply|no-reply|sales|security|help|you|user|name|email|someone|test)@"
)
_INVENTED: Final = re.compile(r"stp[0-9a-f]{8}")
"""How the address of somebody begins whom a scan has registered."""
_NUMBER_OF: Final = re.compile(r"(?<=/)\d{1,12}(?=/|$)")
_PAPERS: Final = re.compile(
    r"(bank_)?account_(number|no)|iban|card_(number|no)|passport(_number|_no)?|national_id|ssn|tax_id"
)
"""Members that hold the number of somebody's account or papers."""
_SHOWN: Final = re.compile(r"(?=.*\d)[A-Za-z0-9 -]{5,40}")
"""Such a number that is not masked."""
_DETAIL: Final = re.compile(
    r"(\w+_)?(phone(_number)?|mobile|cell|number|address|street|salary|income|balance|credit|credit_limit|wallet|ssn|iban|dob|date_of_birth|birth_?(date|day)|latitude|location"
    r"|vehicles?|vehicle_?id|passport(_number)?|tax_id|national_id|card_number|cc_(num|number|no)|ccn|credit_card|password(_hash)?|last_ip|ip_address"
    r"|roles?|(is_?)?(super_?)?admin|(is_)?(staff|superuser|moderator|banned|blocked|suspended|verified))"
)
"""Members that tell of a person what is no part of how others know them."""
_READING: Final = frozenset({"fetch", "get", "lookup", "find", "view", "show", "details", "read", "retrieve"})
"""What the path of a POST says that changes nothing."""
_IS_AN_ID: Final = re.compile(r"(\w+_)?(id|number|no)")
NUMBERS: Final = 2
"""Numbers behind the first one that are asked for."""
ENOUGH: Final = 2
"""So many addresses of strangers in one answer to nobody are no contact line."""


def probe(target: Target) -> Steps[Verdict]:
    """Look for numbers with a valid check digit, national ids, and strangers' addresses that go to nobody in particular."""
    places: list[RouteRef] = []
    evidence: list[Evidence] = []
    asked = yield from asked_honestly(target)
    for one in asked:
        if describes_an_api(one.honest):
            continue
        found = _found(target, one)
        others = None if found else (yield from _of_whoever(target, one))
        if others is not None:
            places.append(one.ref)
            evidence.append(
                Evidence("exchange", f"control: {one.ref.path} shows nobody the data of one person", one.honest)
            )
            evidence.append(Evidence("exchange", "another number shows those of somebody else", others))
        if not found and not others and (told := (yield from _of_other_users(target, one))) is not None:
            places.append(one.ref)
            evidence.append(
                Evidence(
                    "exchange", f"{one.ref.path} tells whoever registers how to reach others, and more of them", told
                )
            )
        if found:
            places.append(one.ref)
            evidence.append(Evidence("exchange", f"{one.ref.path} answers with {found}", one.honest))
    for ref, *shown in (yield from _by_post(target)):
        places.append(ref)
        evidence.append(Evidence("exchange", f"control: {ref.path} shows the data of one person", shown[0]))
        evidence.append(Evidence("exchange", "another number in the body shows those of somebody else", shown[1]))
    if places:
        return failed(f"{places[0]} answers with personal data", places, evidence)
    if not asked:
        return not_applicable("no route can be asked in this mode")
    return passed(f"none of {len(asked)} routes answers with personal data")


def _of_whoever(target: Target, one: Provoked) -> Steps[Exchange | None]:
    """The data of another person, where a number in the path is all that says whose are shown to nobody in particular."""
    shown, asked = one.honest.response, one.honest.request
    path, mark, query = asked.target.partition("?")
    numbers = list(_NUMBER_OF.finditer(path))
    if one.ref.method != "GET" or asked.identity is not None or not shown.succeeded or len(numbers) != 1:
        return None
    if one.ref.path.count("{") != 1:
        return None
    mine = _strangers(target, shown) | _of_accounts(shown.json())
    ours = bool(target.canary) and target.canary in shown.text  # what is shown first may be the scan's own
    if not (mine or ours) or not (any(people_in(members_of(shown))) or _of_accounts(shown.json())):
        return None
    before, last, behind = path[: numbers[0].start()], numbers[0].group(), path[numbers[0].end() :]
    first = int(last) + 1
    for number in dict.fromkeys((*(range(1, 1 + NUMBERS) if ours else ()), *range(first, first + NUMBERS))):
        other = yield from attempt(send(replace(asked, target=f"{before}{number}{behind}{mark}{query}")))
        if other is None or not other.response.succeeded:
            continue
        if (_strangers(target, other.response) | _of_accounts(other.response.json())) - mine:
            return other
    return None


def _of_other_users(target: Target, one: Provoked) -> Steps[Exchange | None]:
    """The answer that tells somebody whom the scan has registered how to reach others and more of them: ``phone``, ``date_of_birth``, ``is_admin``."""
    asked, shown = one.honest.request, one.honest.response
    if one.ref.method != "GET" or asked.identity is None or "{" in one.ref.path or not _details(target, shown, ()):
        return None
    new = next((person for person in target.identities if target.notes.get(REGISTERED + person.name) is not None), None)
    if new is None and (made := (yield from account(target, "first"))) is not None:
        new = made.person
    if new is None or not is_low(target, new):
        return None
    answer = one.honest if new.name == asked.identity else (yield from attempt(send(new.on(asked))))
    return answer if answer is not None and _details(target, answer.response, (new,)) else None


def _by_post(target: Target) -> Steps[list[tuple[RouteRef, Exchange, Exchange]]]:
    """What a POST that only reads shows to whoever sends a number: ``POST /fetch/customer`` with ``{"id": 1}``, and somebody else's with another."""
    found: list[tuple[RouteRef, Exchange, Exchange]] = []
    who = next((one for one in target.identities if one.headers), None)
    for route in target.app.routes if target.mode == "active" else ():
        words = set(as_parameter(route.path).replace("/", "_").split("_"))
        said = members(target.request_for(route, "POST")) if "POST" in route.methods and words & _READING else {}
        if route.parameters or "GET" in route.methods or len(said) != 1 or not _IS_AN_ID.fullmatch(as_parameter(*said)):
            continue
        for kind in (int, str):
            shown = yield from _told_by(target, route, who, {name: kind(1) for name in said})
            other = (yield from _told_by(target, route, who, {name: kind(2) for name in said})) if shown else None
            if shown is not None and other is not None and shown.response.text != other.response.text:
                found.append((RouteRef("POST", route.path), shown, other))
                break
    return found


def _told_by(target: Target, route: Route, who: Identity | None, body: dict[str, object]) -> Steps[Exchange | None]:
    """The answer to that *body* where it tells of a person what is no part of how others know them."""
    request = replace(target.request_for(route, "POST"), body=json.dumps(body).encode())
    answer = yield from attempt(send(who.on(request) if who is not None else request))
    if answer is None or not answer.response.succeeded:
        return None
    return answer if numbers_in(answer.response) or _details(target, answer.response, target.identities) else None


def _details(target: Target, response: Response, but_for: Iterable[Identity]) -> bool:
    """Whether an answer has the address of somebody, who is none of these people and of the scan's making, with something beside it that
    others do not know of them."""
    if not response.succeeded:
        return False
    ours = {mail_of(person).lower() for person in but_for}
    for told in _objects(response.json()):
        reached = {
            said
            for name, item in told.items()
            if "mail" in name.lower() and isinstance(item, str)
            for said in addresses_in(item)
        }
        more = any(
            _DETAIL.fullmatch(as_parameter(name)) and (item is False or item not in ("", None, 0, [], {}))
            for name, item in told.items()
        )
        others = [one for one in reached if one not in ours and not _OURS.search(one) and not _INVENTED.match(one)]
        if more and any(target.canary not in one for one in others):
            return True
    return False


def _objects(value: object, depth: int = 6) -> Iterator[dict[str, object]]:
    """The objects in a JSON answer."""
    if isinstance(value, list) and depth:
        for item in cast("list[object]", value)[:200]:
            yield from _objects(item, depth - 1)
    elif isinstance(value, dict) and depth:
        yield cast("dict[str, object]", value)
        for item in cast("dict[str, object]", value).values():
            yield from _objects(item, depth - 1)


def _of_accounts(value: object, depth: int = 6) -> set[str]:
    """The numbers in an answer that say whose money or papers it speaks of."""
    if isinstance(value, list) and depth:
        return {found for item in cast("list[object]", value)[:50] for found in _of_accounts(item, depth - 1)}
    if not isinstance(value, dict) or not depth:
        return set()
    found: set[str] = set()
    for name, item in cast("dict[str, object]", value).items():
        if isinstance(item, (str, int)) and _PAPERS.fullmatch(as_parameter(name)) and _SHOWN.fullmatch(str(item)):
            found.add(str(item))
        else:
            found |= _of_accounts(item, depth - 1)
    return found


def _strangers(target: Target, response: Response) -> set[str]:
    """The addresses that an answer to nobody shows, of people who were there: those who were given to the scan are some of them."""
    ours = [target.canary] if target.canary else []
    found = addresses_in(response.text)
    return {
        one
        for one in found
        if not _OURS.search(one) and not _INVENTED.match(one) and not any(word in one for word in ours)
    }


def _found(target: Target, one: Provoked) -> str:
    response = one.honest.response
    if not response.succeeded or one.ref.method != "GET":
        return ""
    numbers = numbers_in(response)
    if numbers:
        return numbers
    if one.honest.request.identity is not None:
        return ""
    return (
        "addresses of people"
        if len(_strangers(target, response)) >= ENOUGH and any(people_in(members_of(response)))
        else ""
    )


def numbers_in(response: Response) -> str:
    """What kind of personal number the answer holds in full, or ``""``."""
    text = response.text
    if any(luhn(match) and len(set(match) - {" ", "-"}) > 2 for match in _CARD.findall(text)):
        return "a card number"
    if any(iban(match) for match in _IBAN.findall(text)):
        return "an account number"
    return "a national id" if _SSN.search(text) and re.search(r"(?i)ssn|social.?security|national|tax", text) else ""


def iban(number: str) -> bool:
    """That the check digits are right (ISO 13616, modulo 97)."""
    plain = number.replace(" ", "")
    if not 15 <= len(plain) <= 34:
        return False
    turned = plain[4:] + plain[:4]
    return int("".join(str(int(char, 36)) for char in turned)) % 97 == 1


RULE = Rule(
    slug="personal-data-in-response",
    family="leak",
    title="Personal data in a response",
    harm="Card numbers, national ids and addresses of people go to whoever asks.",
    severity="medium",
    check="data-exposure",
    cwe=(359,),
    owasp="API3:2023",
    asvs=("V14.2.6",),
    surfaces=("wsgi", "http"),
    ends="`Stopper(app)` lets no route answer that has no policy.",
    probe=probe,
)
