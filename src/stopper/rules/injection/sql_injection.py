"""A caller reads, changes or deletes the whole database, or logs in as anybody, with one line of text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from stopper.core.app import App
from stopper.core.edits.call_edits import calls_at
from stopper.core.exchange import Exchange, Response
from stopper.core.fact import Flow
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.checked_input import is_checked, is_checked_by_callers
from stopper.core.flow.failed_branch import made_at
from stopper.core.flow.labelling import labels_of
from stopper.core.flow.passing import callers, passed
from stopper.core.keys.random_words import random_mark, token_hex
from stopper.core.labels import UNTRUSTED_TEXT, LabelKind
from stopper.core.place import Span
from stopper.core.probe import Steps, Target, failed, send
from stopper.core.probing.accounts.log_in_inputs import refused_log_ins
from stopper.core.probing.accounts.log_in_words import obeyed_in_words
from stopper.core.probing.accounts.login import lets_in
from stopper.core.probing.accounts.name_with_condition import name_with_condition
from stopper.core.probing.baseline import alike, beyond, same, says_nothing
from stopper.core.probing.header_inputs import looked_up_headers
from stopper.core.probing.inputs import Input, judged
from stopper.core.probing.likely_inputs import ASKED
from stopper.core.probing.sorted import as_a_column, sorted_by_a_query
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.stores.directory_queries import asked_of_directories
from stopper.core.stores.document_queries import documents_by_request
from stopper.core.stores.filtered_keys import is_admitted, pieces
from stopper.core.stores.query_clients import asked_of_clients
from stopper.core.stores.sql_placeholders import TEXTS, placeholder
from stopper.core.stores.statement_texts import is_built, is_own_text, is_put_together
from stopper.core.stores.statements_by_name import run_by_name
from stopper.core.values import Call, Format, Parameter, Value, options

_MORE: Final = re.compile(
    r"pandas\.read_sql(?:_query)?|peewee\.SQL|duckdb\.(?:sql|query|execute)|(?:.*\.)?(?:copy_expert|mogrify)|sqlalchemy\.(?:literal_column|sql\.literal_column)|(?:.*\.)?(?:db\.text|exec_driver_sql|from_statement|fetch_all|fetch_one|fetchrow|execute_sql|execute_query)"
)
_ASYNC: Final = r"(?:.*\.)?(?:fetch|fetchval|iterate)"
"""Methods of asynchronous drivers that take a statement."""
_NOT_SQL: Final = re.compile(
    r"(?i).*(?:executor|redis|pipeline|subprocess|task|command|job|schema|graphql)\w*\.execute"
)
_KINDS: Final[tuple[LabelKind, ...]] = (*UNTRUSTED_TEXT, "unverified-claims")
"""A caller writes what nobody has held against a signature."""


def detect(app: App) -> Iterator[Hit]:
    """The text of a query that holds what a caller sent, and a document query that takes a caller's JSON as it is."""
    facts = source_of(app)
    told = set[Span | None]()
    for flow in facts.flows("sql", label=_KINDS):
        if _is_query(facts, flow) and not _is_checked(facts, flow.value, flow.function):
            places = list(_where_it_is_made(facts, flow.value)) if isinstance(flow.value, Parameter) else []
            for place in places or [flow.span]:
                if place not in told:
                    told.add(place)
                    yield Hit("text from the request becomes part of the SQL statement", place)
    more = f"{_MORE.pattern}|{_ASYNC}" if facts.imports("asyncpg", "databases", "aiopg") else _MORE.pattern
    for call in facts.calls_matching(more):
        text = call.argument(0, "sql", "text", "query")
        if call.span in told or isinstance(text, Parameter):
            continue  # the second: whoever hands it over is told
        if text is not None and _may_say_anything(facts, text) and not _is_checked(facts, text, call.function):
            yield Hit("text from the request becomes part of the SQL statement", call.span)
    for call, text in run_by_name(facts, told):
        if _may_say_anything(facts, text) and not _is_checked(facts, text, call.function):
            yield Hit("text from the request becomes part of the SQL statement", call.span)
    for call, text in asked_of_clients(facts):
        if _may_say_anything(facts, text) and not _is_checked(facts, text, call.function):
            yield Hit("text from the request becomes part of the SQL statement", call.span)
    for call, several, what in asked_of_directories(facts):
        if any(_may_say_anything(facts, one) and not _is_checked(facts, one, call.function) for one in several):
            yield Hit(f"text from the request becomes part of {what}", call.span, severity="high")
    yield from (Hit(why, span) for span, why in documents_by_request(facts))


def _is_checked(facts: SourceFacts, value: Value, function: str) -> bool:
    """That every part of the statement that came from the caller is held against something; numbers came as nothing else."""
    made = [one for one in options(value) if isinstance(one, Format)]  # a loop may add to it or not
    said = [piece for one in made for piece in pieces(one, made_at(one))]
    sent = [(part, at) for part, at in said if _may_say_anything(facts, part)]
    return all(_is_held(facts, part, function, at) for part, at in sent or [(value, None)])


def _may_say_anything(facts: SourceFacts, part: Value) -> bool:
    return any(label.kind in _KINDS for label in labels_of(facts, part, numbers=True))


def _is_held(facts: SourceFacts, value: Value, function: str, at: Span | None) -> bool:
    return (
        is_admitted(facts, value, at)
        or is_checked(facts, value, function, at=at)
        or is_checked_by_callers(facts, value, function, *_KINDS)
    )


def _is_query(facts: SourceFacts, flow: Flow) -> bool:
    """That the tainted text is the statement: a text put together, or the request's own; no expression of a query builder."""
    if _NOT_SQL.fullmatch(flow.detail) or (isinstance(flow.value, Call) and flow.value.callee in TEXTS):
        return False  # the second: what is inside is a flow of its own
    if flow.detail in TEXTS:
        return True
    if is_put_together(flow.value) or is_built(facts, flow.value):
        return True
    if isinstance(flow.value, Parameter) and any(True for _ in _where_it_is_made(facts, flow.value)):
        return True
    return is_own_text(facts, flow.value)


def _where_it_is_made(facts: SourceFacts, value: Parameter, depth: int = 3) -> Iterator[Span]:
    """The calls that put the statement together of what a caller sent, and pass it on: ``self._rows(f"SELECT …")``."""
    for call in callers(facts, value.function) if depth else ():
        for one in passed(facts, value, call):
            if isinstance(one, Parameter):
                yield from _where_it_is_made(facts, one, depth - 1)
            elif is_put_together(one) and _may_say_anything(facts, one) and not _is_checked(facts, one, call.function):
                yield from (call.span,) if call.span is not None else ()


def fix(app: App, hit: Hit) -> Edit | None:
    """Placeholders in the statement and the values beside it, where each part is a value and the driver is known."""
    facts = source_of(app)
    for call in calls_at(facts, hit.span):
        mark = placeholder(facts, call)
        if mark and hit.span is not None:
            return Edit(hit.span, mark, safe=False, how="bound")
    return None


# -- on the wire -----------------------------------------------------------------------------------------------------------------

_ERRORS: Final = re.compile(
    r"(?i)sqlite3?\.\w*Error|near \"[^\"]*\": syntax error|unrecognized token: |psycopg2?\.\w+|syntax error at or near|You have an error in your SQL syntax|"
    r"sqlalchemy\.exc\.|pymysql\.err|ORA-\d{5}|unterminated quoted string at or near|SQLSTATE\[|no such column: |incomplete input\b|Unknown column '|"
    r"(column|relation) \S{1,80} does not exist|invalid input syntax for (type )?integer"
)
_PAIRS: Final = (
    ("' OR 'a'='a", "' AND 'a'='b"),
    ("' OR 'a'='a' -- ", "' AND 'a'='b' -- "),
    (" OR 1=1", " AND 1=2"),
    ('" OR "a"="a', '" AND "a"="b'),
    ("') OR ('a'='a", "') AND ('a'='b"),
)
"""What makes a condition always true and never true, for a text, a text with more behind it, and a number."""


def probe(target: Target) -> Steps[Verdict]:
    """A quote where one text is expected must change nothing; a condition in the text must not be obeyed."""
    doors = [*(yield from refused_log_ins(target)), *(yield from looked_up_headers(target))]
    said, begun = "inputs take a quote for a quote", _Begun()
    verdict = yield from judged(
        target, begun.tried, lambda one: f"makes a query of what {one.name} says", said, doors, ASKED, begun.broken
    )
    door = yield from beyond(name_with_condition(target), verdict.routes)
    if door is None or door[0] in verdict.routes:
        return verdict
    said = verdict.message if verdict.outcome == "fail" else f"{door[0]} makes a query of the name that logs in"
    return failed(said, [*verdict.routes, door[0]], [*verdict.evidence, *door[1]])


@dataclass(slots=True)
class _Begun:
    """What a word and a word with a quote came to, by the input: asked once, for a first look at each and for all the rest."""

    known: dict[int, tuple[str, Exchange, Exchange | None]] = field(
        default_factory=dict[int, "tuple[str, Exchange, Exchange | None]"]
    )

    def broken(self, target: Target, one: Input) -> Steps[list[Evidence]]:
        """The proof where a quote breaks the statement."""
        _, plain, quoted = yield from self.begin(target, one)
        silent = quoted is None or plain.response.error or _breaks(plain.response) or not _breaks(quoted.response)
        return [] if silent else (yield from self.tried(target, one))

    def begin(self, target: Target, one: Input) -> Steps[tuple[str, Exchange, Exchange | None]]:
        if id(one) not in self.known:
            # A letter first: ``9e18627`` alone would be a number, which breaks no statement.
            stem = f"{target.canary or 'x'}9{random_mark(3)}"  # no row has it: what another input was sent may stand in one by now
            plain = yield from send(one.given(stem))
            quoted = None if _is_no_word(one, plain.response) else (yield from send(one.given(f"{stem}'")))
            self.known[id(one)] = stem, plain, quoted
        return self.known[id(one)]

    def tried(self, target: Target, one: Input) -> Steps[list[Evidence]]:
        """The proof that the input is part of a statement."""
        stem, plain, quoted = yield from self.begin(target, one)
        if quoted is None:
            return []
        if plain.response.error or _breaks(plain.response):
            as_part = (yield from _as_a_number(one)) or (yield from as_a_column(one, plain, _breaks))
            return as_part or (yield from _as_the_whole(one, plain))
        broke = _breaks(quoted.response)
        if broke or not _as_before(quoted.response, plain.response, target.canary):
            doubled = yield from send(one.given(f"{stem}''"))
            mended = _as_before(doubled.response, plain.response, target.canary) or (
                one.request.method == "POST"
                and alike(doubled.response, plain.response)  # what it has made has an id of its own
            )
            if broke and mended and _breaks((yield from send(one.given(f"{stem}'"))).response):
                if not _ERRORS.search(quoted.response.text) and (yield from _is_a_shell(one, stem)):
                    return []
                return _evidence(plain, doubled, quoted, "one quote breaks the statement, two do not")
            if mended and not broke and (yield from _counts_quotes(target, one, stem, quoted, doubled)):
                return _evidence(
                    plain, doubled, quoted, "an odd number of quotes is answered otherwise, an even one is not"
                )
        before = partial(_as_before, canary=target.canary)
        return (
            (yield from _obeyed(target, one, plain, stem))
            or (yield from obeyed_in_words(one, plain, stem, before))
            or (yield from sorted_by_a_query(one, plain, before))
        )


def _is_no_word(one: Input, plain: Response) -> bool:
    """Whether the part of a path takes numbers alone: no view is asked, and what is said is the page for what is not there."""
    json = one.honest.response.content_type == "application/json"
    return one.place == "path" and json and plain.status == 404 and plain.content_type == "text/html"


def _counts_quotes(target: Target, one: Input, stem: str, quoted: Exchange, doubled: Exchange) -> Steps[bool]:
    """Whether it is the number of quotes that the answer hangs on, and a comment behind an odd one heals it: a view that hides the errors of its
    statements. A shell counts quotes too, and knows no such comment."""
    known = (("", doubled), ("'" * 4, doubled), ("'" * 3, quoted), ("' -- ", doubled))
    for quotes, before in known:
        answer = (yield from send(one.given(stem + quotes))).response
        if says_nothing(answer) or not _as_before(answer, before.response, target.canary):
            return False
    return not _as_before(quoted.response, doubled.response, target.canary)


def _is_a_shell(one: Input, stem: str) -> Steps[bool]:
    """Whether the other quote breaks it as well: a text of SQL that one quote ends takes the other as a sign like any, a shell and Python end of both."""
    other, paired = (yield from send(one.given(f'{stem}"'))), (yield from send(one.given(f'{stem}""')))
    return _breaks(other.response) and not _breaks(paired.response)


def _breaks(response: Response) -> bool:
    """The statement fell apart; a server that is away for a moment says nothing of it."""
    return not says_nothing(response) and (response.status >= 500 or bool(_ERRORS.search(response.text)))


def _as_a_number(one: Input) -> Steps[list[Evidence]]:
    """Where any word breaks the statement, the input may stand in it as a number: a condition behind a number is tried."""
    plain = yield from send(one.given("1"))
    if not plain.response.succeeded or plain.response.error:
        return []
    never = yield from send(one.given("1 AND 1=2"))
    always = yield from send(one.given("1 AND 1=1"))
    if says_nothing(never.response):
        return []
    if same(always.response, plain.response) and not same(never.response, plain.response):
        return _evidence(plain, always, never, "a condition behind the number is obeyed")
    if not same(never.response, plain.response):
        return []
    more = yield from send(one.given("1 OR 1=1"))
    if more.response.succeeded and _gives_more(more.response, plain.response):
        return _evidence(plain, never, more, "a condition that is always true gives what is not the caller's")
    return []


def _as_the_whole(one: Input, plain: Exchange) -> Steps[list[Evidence]]:
    """Where any word breaks the statement, the input may be all of it: what it is told to work out stands in the answer."""
    if not _ERRORS.search(plain.response.text):
        return []
    first, second = (6000 + int(token_hex(1), 16) for _ in range(2))
    ran = yield from send(one.given(f"SELECT {first}*{second}"))
    worked_out = str(first * second) in ran.response.text
    return _evidence(plain, plain, ran, "a statement of the caller's own is run") if worked_out else []


def _obeyed(target: Target, one: Input, plain: Exchange, stem: str) -> Steps[list[Evidence]]:
    for yes, no in _PAIRS if target.depth == "deep" or lets_more(one) else _PAIRS[:2]:
        true = yield from send(one.given(stem + yes))
        if true.response.status >= 500 or _as_before(true.response, plain.response, target.canary):
            continue
        false = yield from send(one.given(stem + no))
        if not _as_before(false.response, plain.response, target.canary):
            continue
        if _gives_more(true.response, plain.response):
            # The text may be somebody's name by now, because a probe wrote it there: one that nobody has sent yet must be obeyed too.
            # What another probe writes to the same thing in between is no answer either: the opposite must give nothing, right after it.
            token = token_hex(4)
            fresh = yield from send(one.given(f"{stem}{token}{yes}"))
            never = yield from send(one.given(f"{stem}{token}{no}"))
            if _gives_more(fresh.response, plain.response) and _gives_more(fresh.response, never.response):
                return _evidence(plain, false, true, "a condition that is always true gives what is not the caller's")
        if (yes, no) == _PAIRS[0] and (told := (yield from _answered_by_truth(target, one, plain, stem, true))):
            return told
    return []


def _answered_by_truth(target: Target, one: Input, plain: Exchange, stem: str, true: Exchange) -> Steps[list[Evidence]]:
    """Where what is found is answered by a word and no more (``Found``): conditions of the same signs that hold are answered alike, and those that
    do not as what is not there. Whatever looks for such signs takes them for the same."""
    answers = list[Exchange]()
    for left, right in (("c", "c"), ("c", "d"), ("e", "e"), ("e", "f")):
        answers.append((yield from send(one.given(f"{stem}{token_hex(3)}' OR '{left}'='{right}"))))
    holds, never, again, after = answers
    pairs = ((holds, true), (again, true), (never, plain), (after, plain))
    if not all(_as_before(seen.response, like.response, target.canary) for seen, like in pairs):
        return []
    return _evidence(plain, never, holds, "a condition that is true is answered otherwise")


def lets_more(one: Input) -> bool:
    """That the input stands where a log-in is decided."""
    return bool(re.search(r"(?i)log-?in|sign-?in|auth|token|session", one.route.path))


def _as_before(response: Response, plain: Response, canary: str) -> bool:
    """The same answer, but for the text itself where it is repeated."""
    if response.status != plain.status:
        return False
    return same(_without(response, canary), _without(plain, canary))


def _without(response: Response, canary: str) -> Response:
    """The answer without what this scan has put into the data: the text itself, and members of JSON that probes wrote."""
    text = re.sub(r'"(?:[^"\\]|\\.){0,80}' + canary + r'(?:[^"\\]|\\.)*"', '"~"', response.text)
    text = re.sub(canary + r"9[0-9a-f]*(?:&#39;|&quot;|&#34;|\\?['\"]|[ \w=();-])*", "~", text)
    return Response(response.status, response.headers, text.encode())


def _gives_more(true: Response, plain: Response) -> bool:
    if (lets_in(true) and not lets_in(plain)) or (true.succeeded and not plain.succeeded):
        return True
    if true.sends_on and not true.refused and plain.refused:
        return True
    return true.succeeded and plain.succeeded and len(true.body) > len(plain.body) + 8 and not same(true, plain)


def _evidence(plain: Exchange, control: Exchange, telling: Exchange, text: str) -> list[Evidence]:
    return [
        Evidence("exchange", "control: a text that nothing in the data has", plain),
        Evidence("exchange", "control: the same with what cannot change the outcome", control),
        Evidence("exchange", text, telling),
    ]


RULE = Rule(
    slug="sql-injection",
    family="injection",
    title="Query built from request data",
    harm=__doc__ or "",
    severity="critical",
    check="input-validation",
    cwe=(89,),
    owasp="API8:2023",
    asvs=("V1.2.4",),
    surfaces=("source", "wsgi", "http"),
    ends="`Stopper(app)` looks up accounts, keys and tokens with bound parameters only.",
    detect=detect,
    fix=fix,
    probe=probe,
)
