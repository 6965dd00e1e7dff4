"""Which members a refusal wants in a body beside those that were sent, which it does not know, and what they say of an account."""

import re
from collections.abc import Mapping, Sequence
from typing import Final, cast

from stopper.core.exchange import Response
from stopper.core.login_names import PASSWORD
from stopper.core.naming import as_parameter
from stopper.core.probing.accounts.account_body import account_body
from stopper.core.probing.told_missing import missing_in
from stopper.core.probing.told_values import named_in
from stopper.scan.surface.honest import plausible

Account = tuple[str, str, str]
"""The address, the name and the password of somebody."""
DEEP: Final = 6
TEXT_MOST: Final = 2000
_UNKNOWN: Final = re.compile(
    r"(?i)\b(unknown field|extra_?forbidden|extra (inputs?|fields?|keys?)|(additional|unexpected|unknown|unrecognized|unsupported) (property|properties|fields?|keys?|parameters?|arguments?|inputs?)|"
    r"(is|are|was|were) (not allowed|unexpected)|got an unexpected keyword|not permitted)"
)
_QUOTED: Final = re.compile(r"""['"`]([A-Za-z_]\w{0,39})['"`]""")
_NO_MATCH: Final = re.compile(
    r"(?i)passw\w*[^.]{0,40}(do not|don't|does not|doesn't|did not|didn't|must|should) match|confirm[^.]{0,30}passw|passw\w*[^.]{0,20}confirm|mismatch"
)
REPEATED: Final = (
    "confirm_password", "confirmPassword", "password_confirm", "password_confirmation", "passwordConfirm", "password2", "repeat_password", "confirm",
)  # fmt: skip
"""What the second time is called that a password is given."""
_FAULT: Final = re.compile(
    r"\b([a-z]\w{1,39}) (?:must|should|has to|needs to|is not (?:valid|one of))\b|\b(?:[Ii]nvalid|[Bb]ad|[Ww]rong) (?:value for )?['\"]?([a-z]\w{1,39})"
)
_NO_NAME: Final = frozenset({
    "it", "this", "value", "values", "you", "they", "field", "fields", "data", "json", "body", "request", "input", "format", "payload", "content", "type", "user", "users",
    "credentials", "parameter", "parameters", "and", "token", "one", "characters", "length", "address",
})  # fmt: skip
_WRAPS: Final = re.compile(
    r"(?i)(data|attributes|user|account|customer|member|client|person|credentials?|payload|auth|session|login|profile)"
)
"""Members that may hold the account as an object of its own."""
_WRAP_SAID: Final = re.compile(
    r"""(?i)\b(data|attributes|payload|credentials|profile|account|customer|member|client)['"`]? (?:object |field |key |is |a )*(?:required|missing|expected|not provided)"""
)
_MEANT: Final[tuple[tuple[str, object], ...]] = (
    (r"birth|dob$|bday", "1990-01-01"),
    (r"gender|^sex$", "female"),
    (r"country|nationality", "US"),
    (r"terms|agree|accept|consent|tos$|gdpr|privacy", True),
    (r"(^|_)age$", 30),
    (r"currency", "USD"),
    (r"locale|lang", "en"),
    (r"zip|post_?(al_?)?code", "12345"),
    (r"^state$|province|region", "CA"),
    (r"city|town", "Springfield"),
    (r"street|address", "1 Main Street"),
    (r"(first|given|fore)_?name|^name$", "Alice"),
    (r"(last|family)_?name|surname", "Miller"),
)
"""What people say of themselves in members of that name."""
USUAL: Final = (
    "email", "username", "name", "first_name", "last_name", "firstname", "lastname", "firstName", "lastName", "full_name", "fullname", "fullName", "phone",
    "phone_number", "address", "city", "country", "gender", "age", "dob", "date_of_birth", "login", "user", "handle", "nickname", "user_id", "uname", "identifier",
    "usuario", "correo", "nombre", "nome", "nom", "benutzername", "kullanici_adi", "password", "passwd", "pwd", "pass", "psw", "pin", "passcode", "contrasena", "clave", "senha",
    "passwort", "mot_de_passe", "sifre", *REPEATED,
)  # fmt: skip
"""All that an account may be made of, for a refusal that names nothing."""


def as_it_names(body: Mapping[str, object], response: Response, account: Account) -> dict[str, object]:
    """*body* with the members that the refusal misses and without those that it does not know."""
    unknown = set(unknown_in(response))
    kept = {name: value for name, value in body.items() if name not in unknown}
    missing = missing_in(response) or missing_in(Response(400, response.headers, response.body))
    text = response.text[:TEXT_MOST]
    if _NO_MATCH.search(text) and not any(name in kept for name in REPEATED):
        missing = (*missing, *REPEATED)
    again = missing if response.status < 500 else tuple(body)
    wrap = next((name for name in again if _WRAPS.fullmatch(name) and isinstance(body.get(name), str)), None)
    if re.search(r"data[./]attributes", text) and "data" not in body:
        return {"data": {"type": "users", "attributes": kept}}
    wrap = wrap or (said.group(1) if (said := _WRAP_SAID.search(text)) and said.group(1) not in body else None)
    wrap = wrap or next((name for name in missing if name in ("data", "attributes") and name not in body), None)
    if wrap is not None and not any(isinstance(value, dict) for value in body.values()):
        return {wrap: {name: value for name, value in kept.items() if name != wrap}}
    if len(body) == 1 and isinstance(inner := next(iter(body.values())), dict):
        held = cast("dict[str, object]", inner)
        return {name: as_it_names(held, response, account) for name in body}
    new = account_members([name for name in missing if name not in body], account)
    if not new and kept == body:
        new = account_members([name for name in _of_which_it_speaks(text) if name not in body], account)
    return {**kept, **new}


def _of_which_it_speaks(text: str) -> list[str]:
    """Members whose value a refusal finds fault with, though none was sent."""
    said = [name for found in _FAULT.finditer(text) for name in found.groups() if name]
    return [name for name in said if name.lower() not in _NO_NAME and not PASSWORD.search(name)][:3]


def account_members(names: Sequence[str], account: Account) -> dict[str, object]:
    """What an account says in members of these *names*."""
    mail, user, password = account
    made = account_body({name: _meant(name) for name in names}, mail=mail, user=user, password=password).whole
    return {name: _meant(name) if _is_given(name) else value for name, value in made.items()}


def _is_given(name: str) -> bool:
    """Whether it is a name that many people have."""
    return re.search(r"(first|given|fore|last|family)_?name|surname", as_parameter(name)) is not None


def _meant(name: str) -> object:
    said = as_parameter(name)
    return next((value for words, value in _MEANT if re.search(words, said)), None) or plausible(said, "stopper")


def unknown_in(response: Response) -> tuple[str, ...]:
    """The members that a refusal says it does not know."""
    said = response.json()
    if said is None:
        return _in_text(response.text[:TEXT_MOST])
    return tuple(dict.fromkeys(_in_value(said, DEEP)))


def _in_value(value: object, depth: int) -> tuple[str, ...]:
    if isinstance(value, str):
        return _in_text(value)
    if isinstance(value, list) and depth:
        return tuple(name for item in cast("list[object]", value)[:20] for name in _in_value(item, depth - 1))
    if not isinstance(value, dict) or not depth:
        return ()
    members = cast("dict[str, object]", value)
    last = named_in(members)
    if last is not None and any(_says_unknown(members.get(key)) for key in ("msg", "message", "type", "error", "code")):
        return (last,)
    found: list[str] = []
    for name, item in list(members.items())[:60]:
        own = re.fullmatch(r"[A-Za-z_]\w{0,39}", name) and name.lower() not in (
            "message",
            "error",
            "errors",
            "msg",
            "detail",
        )
        found.extend((name,) if own and _says_unknown(item) else _in_value(item, depth - 1))
    return tuple(found)


def _says_unknown(value: object) -> bool:
    if isinstance(value, list):
        return any(_says_unknown(item) for item in cast("list[object]", value)[:5])
    return isinstance(value, str) and len(value) <= 300 and _UNKNOWN.search(value) is not None


def _in_text(text: str) -> tuple[str, ...]:
    if len(text) > TEXT_MOST or not _UNKNOWN.search(text):
        return ()
    after = re.search(
        r"(?i)(?:fields?|keys?|parameters?|property|properties|arguments?|inputs?)\s*:\s*([\w, ]{1,200})", text
    )
    return tuple(_QUOTED.findall(text)) or (tuple(re.findall(r"[A-Za-z_]\w*", after.group(1))) if after else ())
