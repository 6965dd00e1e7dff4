"""Whoever reads the database, a copy of it or a log of queries has everybody's password."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.account_names import is_clear_password, is_password_name, said_name
from stopper.core.app import App
from stopper.core.fact import Comparison
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.body_models import classes_by_name
from stopper.core.flow.held_inside import elements, members
from stopper.core.flow.told_once import object_made_at
from stopper.core.people.password_columns import (
    SEALS,
    hashing_classes,
    is_column,
    is_own_column,
    is_table_class,
)
from stopper.core.people.passwords_in_files import written_to_files
from stopper.core.people.passwords_in_memory import kept_in_memory
from stopper.core.people.passwords_put_into_rows import is_persons, is_set, put_into_rows
from stopper.core.people.passwords_unhashed import HASHED_COLUMN, is_given_sealed
from stopper.core.people.poured_passwords import poured_passwords
from stopper.core.place import Span
from stopper.core.rule import Hit, Rule
from stopper.core.stores.named_columns import column_of
from stopper.core.stores.sql_tables import columns_fetched
from stopper.core.text_words import mentions
from stopper.core.values import (
    Call,
    Choice,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Format,
    Item,
    Member,
    Name,
    Parameter,
    Unknown,
    Value,
    options,
    text_of,
    walk,
)

COMPARED: Final = "a stored password is compared in clear"
STORED: Final = "a password is stored as it was typed"
_FINDERS: Final = ("*.filter_by", "*.find_one", "*.get_or_none", "*.find_one_or_404", "*.first_or_404")
_WORD: Final = r"(?:\w*_)?(?:password|passwd|pwd|pw|pass|passwort|kennwort|wachtwoord|contrasena|senha|mot_de_passe|parola|sifre|heslo|haslo|losenord|psw)"
_QUERY: Final = re.compile(
    rf"(?is)\b(?:where|and)\s+[\w.\"`]*{_WORD}[\"`]?\s*=|insert\s+into\s+\S+\s*\([^)]*\b{_WORD}\b|\bset\s+[^;]*\b{_WORD}[\"`]?\s*="
)
_PEOPLE: Final = re.compile(r"(?i)passwords|credentials|\busers?\b|users|accounts|people")
_CHANGES_ROWS: Final = re.compile(r"(?i)^\s*(insert|update)")
_HASH: Final = re.compile(r"(?i)hash|digest|crypt|argon|scrypt|pbkdf2")
_OPENS: Final = re.compile(r"(?i)^(?:decrypt|unseal|(?:standard_|urlsafe_)?b(?:16|32|64|85)decode|unhexlify|from_?hex)")
_ALIKE: Final = re.compile(r"self\.(\w+)=\w+\.\1|\w+\.(\w+)=self\.\2")
_HASHING_TYPE: Final = re.compile(r"PasswordType|PasswordProperty")
_AGAIN: Final = re.compile(r"(?i)confirm|repeat|again|re_?type|re_?enter|password_?2|pwd_?2")


def detect(app: App) -> Iterator[Hit]:
    """Comparisons with a stored password, and passwords that go into a row, document or query as they came."""
    facts = source_of(app)
    kept = [call.span for call in written_to_files(facts) if call.span is not None]
    whole = ((span, STORED) for span in (*kept, *poured_passwords(facts, lambda value: _is_typed(facts, value))))
    rows = ((span, STORED) for span in put_into_rows(facts, lambda value: _is_typed(facts, value)))
    found = [*_compared(facts), *_queried(facts), *rows, *whole]
    if all(message != COMPARED for _, message in found):  # else the comparison shows the same
        found += ((span, STORED) for span in kept_in_memory(facts, lambda value: _is_typed(facts, value)))
    seen: set[object] = set()
    for span, message in sorted(found, key=lambda one: one[0]):
        made = object_made_at(facts, span)  # the same in all branches of a function: one mend ends it
        if (span.path, span.line) not in seen and (made is None or made not in seen):
            seen |= {(span.path, span.line), made}
            yield Hit(message, span)
    for write in facts.config_writes("SECURITY_PASSWORD_HASH"):
        if text_of(write.value) == "plaintext":
            yield Hit("Flask-Security is told to store passwords in clear", write.span)
    running = app.config.get("SECURITY_PASSWORD_HASH")
    if running is not None and running.value == "plaintext":
        yield Hit("Flask-Security stores passwords in clear in the running application", reader="running")


def _compared(facts: SourceFacts) -> Iterator[tuple[Span, str]]:
    for operator in ("==", "!="):
        for one in facts.comparisons(operator):
            alike = one.texts is not None and _ALIKE.fullmatch("=".join(one.texts))
            if alike or one.function.endswith((".__eq__", ".__ne__")) or _is_of_a_type(facts, one.left, one.right):
                continue  # two objects of one kind are compared, as in ``__eq__``
            if operator == "!=" and _looks_for_change(facts, one):
                continue
            if _is_check(facts, one.left, one.right) or _is_check(facts, one.right, one.left):
                yield one.span, COMPARED
    yield from _by_basic(facts)
    for call in facts.calls("hmac.compare_digest", "secrets.compare_digest", "*.safe_str_cmp"):
        if call.span and len(call.args) == 2 and (_is_check(facts, *call.args) or _is_check(facts, *call.args[::-1])):
            yield call.span, COMPARED


def _looks_for_change(facts: SourceFacts, one: Comparison) -> bool:
    """``if typed != row.password: …; row.password = typed``: nobody is let in by it. What is kept then is looked at where it is kept."""
    return any(
        isinstance(kept, (Member, Item))
        and made.attribute == said_name(kept)
        and "." in made.target
        and not made.target.startswith("self.")
        and made.value == typed
        for made in facts.assignments_in(one.function)
        for typed, kept in ((one.left, one.right), (one.right, one.left))
    )


def _by_basic(facts: SourceFacts) -> Iterator[tuple[Span, str]]:
    """Flask-HTTPAuth hands the typed password to its callback as the second argument, whatever it is called there."""
    if not facts.imports("flask_httpauth"):
        return
    for function in facts.functions():
        if not any(one.name.endswith(".verify_password") for one in function.decorators):
            continue
        for one in facts.comparisons_in(function.name):
            for typed, kept in ((one.left, one.right), (one.right, one.left)):
                if (
                    one.operator in ("==", "!=")
                    and isinstance(typed, Parameter)
                    and typed.function == function.name
                    and typed.index == 1
                    and isinstance(kept, (Item, Member))
                ):
                    yield one.span, COMPARED


def _is_of_a_type(facts: SourceFacts, *sides: Value) -> bool:
    """That a field is compared whose type hashes: ``user.password == typed`` asks the type then."""
    field = any(isinstance(side, (Member, Name)) and is_password_name(str(said_name(side))) for side in sides)
    return field and any(
        mentions(value, _HASHING_TYPE)
        for found in facts.classes()
        for name, value in found.attributes.items()
        if is_password_name(name)
    )


def _is_check(facts: SourceFacts, typed: Value, kept: Value) -> bool:
    """*typed* is a password of the request, and *kept* one that the application looked up."""
    if _is_column_asked(facts, typed, kept):
        return not is_given_sealed(facts, _plain(typed))
    if any(is_own_column(facts, _plain(typed), one) for one in options(_opened(_plain(kept)))):
        return not is_given_sealed(facts, _plain(typed))
    if isinstance(kept, Member) and HASHED_COLUMN.fullmatch(kept.attribute):
        return _is_typed(facts, typed) and not is_given_sealed(facts, _plain(typed))
    if not any(_is_kept(facts, _opened(one)) for one in options(_plain(kept))) or _is_configured(facts, kept):
        return False  # asked first: names tell it, and most comparisons have none
    return _is_typed(facts, typed) and not _is_typed_again(typed, kept)


def _is_column_asked(facts: SourceFacts, typed: Value, kept: Value) -> bool:
    """``User.query.filter(User.password == typed)``: the database is asked for the password itself."""
    owner, name = column_of(facts, kept)
    found = classes_by_name(facts).get(owner) if is_persons(name) and not _HASH.search(name) else None
    asks = found is not None and is_table_class(found) and found.name not in hashing_classes(facts)
    return asks and found is not None and is_column(facts, found, name) and _is_typed(facts, typed)


def _is_configured(facts: SourceFacts, kept: Value) -> bool:
    """``self.password = settings.DOCS_PASSWORD``: a credential of the settings, of nobody who has an account."""
    return isinstance(kept, Member) and any(
        one.attribute == kept.attribute and one.target.startswith("self.") and _is_setting(one.value)
        for one in facts.assignments()
    )


def _is_setting(value: Value) -> bool:
    match value:
        case EnvironmentValue() | ConfigValue():
            return True
        case Member(attribute=name) | Name(dotted=name):
            return name.rpartition(".")[2].isupper()
        case _:
            return False


def _is_typed_again(one: Value, other: Value) -> bool:
    """That the second is the field of a form or body which repeats the first."""
    one, other = _plain(one), _plain(other)
    if isinstance(one, Item) and isinstance(other, Item) and one.owner == other.owner:
        return True
    return any(_AGAIN.search(said_name(value)) for value in (one, other))


def _plain(value: Value) -> Value:
    while isinstance(value, Call) and value.method in ("encode", "decode", "strip") and value.receiver is not None:
        value = value.receiver
    return value


def _opened(value: Value) -> Value:
    """What was kept before it was decrypted: what the application can read, a thief of its keys can too."""
    return value.args[0] if isinstance(value, Call) and _OPENS.search(value.method) and value.args else value


def _is_typed(facts: SourceFacts, value: Value) -> bool:
    value = _plain(value)
    if isinstance(value, (Constant, ConfigValue, EnvironmentValue)) or (
        isinstance(value, Call) and not facts.derives(value, "password")
    ):
        return False
    if isinstance(value, Choice) and _is_sealed_if_there(value):
        return False
    if _is_beside(facts, value):
        return False
    if isinstance(value, Unknown) and any(isinstance(one, Call) and SEALS.search(one.method) for one in value.parts):
        return False  # ``sealed, salt = encrypt_password(typed)``
    if _HASH.search(said_name(value)) or not (is_clear_password(facts, value) or is_set(value)):
        return False
    sent = facts.derives(value, "request-data") or facts.derives(value, "authorization-header", by_name=False)
    return isinstance(value, Parameter) or sent or _is_of_form(value)


def _is_beside(facts: SourceFacts, value: Value) -> bool:
    """``data.get("city")`` of a body that has a password under another key; where it may be something else too, that is no password either."""
    several = options(value)
    beside = [one for one in several if isinstance(one, Call) and one.method == "get" and one.args
              and (key := text_of(one.args[0])) is not None and not is_password_name(key)
              and not facts.derives(one, "password", by_name=False)]  # fmt: skip
    return bool(beside) and all(one in beside or not facts.derives(one, "password") for one in several)


def _is_sealed_if_there(value: Choice) -> bool:
    """``encrypt(password) if password else password``: what is not sealed is empty."""
    sealed = [one for one in value.options if isinstance(one, Call) and SEALS.search(one.method)]
    inside = [part for one in sealed for part in walk(one, 4)]
    return bool(sealed) and all(
        any(one is made for made in sealed) or isinstance(one, Constant) or one in inside for one in value.options
    )


def _is_of_form(value: Value) -> bool:
    """``form.password.data``; what a library of schemas made of the body."""
    return isinstance(value, (Member, Name)) and said_name(value) == "data" and mentions(value, "password")


def _is_kept(facts: SourceFacts, value: Value) -> bool:
    return _is_called_so(facts, value) and (not facts.derives(value, "request-data") or _looked_up(value))


def _is_called_so(facts: SourceFacts, value: Value) -> bool:
    match value:
        case Member(attribute=name) | Item(key=Constant(value=str(name))):
            return is_persons(name) and not _HASH.search(name)
        case Item(key=Constant(value=int(place)), owner=owner) if columns := columns_fetched(facts, owner):
            name = columns[place] if -len(columns) <= place < len(columns) else ""
            return is_persons(name) and not _HASH.search(name)
        case Item(owner=owner):
            return _is_table(owner) and not _HASH.search(str(said_name(owner)))
        case Name(dotted=dotted):
            last = dotted.rpartition(".")[2]
            return "." in dotted and is_persons(last) and not dotted.startswith(("flask.request", "flask.session"))
        case Call(method="get", args=(_, *_), receiver=receiver) if receiver is not None:
            return _is_table(receiver)
        case _:
            return False


def _looked_up(value: Value) -> bool:
    """What a request chose among what the application keeps: the request is in the key only."""
    return any(
        isinstance(one, Call) and one.method in ("first", "fetchone", "one", "one_or_none", "first_or_404", "find_one", "get", "get_or_none", "get_or_404", "scalar", "scalar_one_or_none", "scalar_one", "execute")
        for one in walk(value)
    ) or (isinstance(value, Item) and _roots_in_project(value.owner))  # fmt: skip


def _roots_in_project(value: Value) -> bool:
    while isinstance(value, (Item, Member)):
        value = value.owner
    return not (isinstance(value, Name) and value.dotted.startswith("flask.")) and not (
        isinstance(value, Call) and value.callee.startswith("flask.")
    )


def _is_table(value: Value) -> bool:
    """A dict of passwords by user: it is called so, or its literal values are texts of people."""
    return bool(_PEOPLE.search(said_name(value) or getattr(value, "name", "")))


def _queried(facts: SourceFacts) -> Iterator[tuple[Span, str]]:
    for call in facts.calls(*_FINDERS):
        pairs = [*call.keywords, *(pair for one in call.args for pair in members(one))]
        if call.span and any(is_password_name(name) and _is_typed(facts, value) for name, value in pairs):
            yield call.span, COMPARED
    for call in facts.calls("*.execute", "*.fetch_one", "*.query_db", "*.query", "*.raw"):
        if call.span is None or not call.args:
            continue
        text = " ".join(said for one in walk(call.args[0], 5) if (said := text_of(one)) is not None)
        changes = _CHANGES_ROWS.search(text) is not None
        if not _QUERY.search(text) and (not changes or _HASH.search(text)):
            continue
        values = [*(one for value in call.args[1:] for one in elements(value)), *_formatted(call.args[0])]
        if any(_is_typed(facts, one) for one in values):
            yield call.span, STORED if changes else COMPARED


def _formatted(value: Value) -> Iterator[Value]:
    for one in walk(value, 3):
        if isinstance(one, Format):
            yield from one.parts


RULE = Rule(
    slug="password-stored-plaintext",
    family="account",
    title="Passwords stored or compared in clear",
    harm=__doc__ or "",
    severity="critical",
    check="authentication",
    cwe=(256,),
    owasp="API2:2023",
    asvs=("V11.4.2",),
    surfaces=("source", "running"),
    ends="Stopper's service keeps an Argon2id hash of a password and nothing else.",
    certainty="likely",
    detect=detect,
)
