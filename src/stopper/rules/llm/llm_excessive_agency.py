"""What a stranger writes into a chat is run: as SQL, as code, or as a call of a tool."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.fact import Flow, SinkKind
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Verdict
from stopper.core.flow.body_models import classes_by_name
from stopper.core.flow.changing_calls import writes
from stopper.core.flow.checked_input import is_checked
from stopper.core.flow.view_functions import index_of
from stopper.core.guards.forms_without_token import runs_command
from stopper.core.outgoing.llm_names import asks_by_name, model_calls, said, talks_to_models
from stopper.core.probe import Steps, Target, failed, not_applicable, passed
from stopper.core.probing.llm import broken, models
from stopper.core.rule import Hit, Rule
from stopper.core.values import Call, Constant, Format, Item, Mapping, Name, Unknown, Value, parts, text_of, walk

_SINKS: Final[tuple[SinkKind, ...]] = ("code", "subprocess", "sql", "deserialisation", "file-path")
_WORDS: Final = {
    "code": "run as code",
    "subprocess": "run as a command",
    "sql": "run as SQL",
    "deserialisation": "unpacked into objects",
    "file-path": "taken for the path of a file",
}
_ASKS: Final = re.compile(r"(?i)valid|confirm|approv|check|allow|permit|require|schema|verify")
_AGENTS: Final = ("langchain_experimental.utilities.PythonREPL", "langchain_experimental.tools.PythonREPLTool", "langchain_experimental.tools.PythonAstREPLTool", "langchain_community.tools.ShellTool", "langchain.tools.ShellTool", "langchain_experimental.agents.create_python_agent", "langchain_experimental.agents.create_pandas_dataframe_agent")  # fmt: skip

_RUNS_ANYTHING: Final = frozenset(
    {"terminal", "python_repl", "bash", "shell", "requests_all", "requests_post", "requests_delete"}
)
"""Tools that LangChain knows by these names."""
_TELLS: Final = re.compile(
    r"(?i)_?(?:get|list|find|search|look_?up|show|read|count|describe|calc\w*|compute|convert|current|weather|today|time|now|sum|estimate|tell)(?:_|$)"
)
_READS_A_BODY: Final = frozenset({"model_validate", "model_validate_json", "parse_obj", "parse_raw"})
_STATEMENTS: Final = r"(?:.*\.)?(?:SQLDatabaseChain(?:\.from_llm)?|create_sql_agent|NLSQLTableQueryEngine|PandasQueryEngine|create_csv_agent|PALChain\.from_\w+)"
"""What of LangChain and LlamaIndex lets a model write what is run."""


def detect(app: App) -> Iterator[Hit]:
    """Output of a model that reaches an interpreter, or chooses which function is called."""
    facts = source_of(app)
    if not talks_to_models(facts):
        return
    asked = {id(call) for call in model_calls(facts)}
    for flow in facts.flows(*_SINKS):
        if _is_listed(facts, flow) or (flow.sink == "sql" and _is_record(facts, flow.value)):
            continue
        if not (flow.sink == "sql" and _is_expression(flow.value)) and _from_model(facts, flow.value, asked):
            yield Hit(f"what the model answered is {_WORDS[flow.sink]}", flow.span)
    for call in facts.calls("getattr", "importlib.import_module", "__import__"):
        chosen = call.argument(0 if call.callee != "getattr" else 1, "name")
        if chosen is not None and _from_model(facts, chosen, asked) and not is_checked(facts, chosen, call.function):
            yield Hit(
                "the model chooses which function is called, out of all that there are", call.span, certainty="likely"
            )
    for call in facts.calls("?"):
        if (chosen := _out_of_all(call.receiver)) is not None and _from_model(facts, chosen, asked):
            yield Hit("the model chooses which function is called, out of all that there are", call.span)
    for call in facts.calls_matching(r"langchain\w*\.(?:.*\.)?load_tools"):
        named = [text_of(one) for one in walk(call.argument(0, "tool_names"), 2)]
        if any(one in _RUNS_ANYTHING for one in named):
            yield Hit("the model gets a tool that runs any code", call.span, certainty="likely")
    yield from _dispatched(facts)
    yield from _decided(facts, asked)
    for call in facts.calls(*_AGENTS):
        yield Hit("the model gets a tool that runs any code", call.span, certainty="likely")
    for call in facts.calls_matching(_STATEMENTS):
        yield Hit("the model writes statements or code, and the library runs them", call.span, certainty="likely")


def _out_of_all(called: Value | None) -> Value | None:
    """The name in ``globals()[name](**arguments)``."""
    all_of = (
        isinstance(called, Item)
        and isinstance(called.owner, Call)
        and called.owner.callee in ("globals", "locals", "vars")
    )
    return called.key if all_of and isinstance(called, Item) else None


def _decided(facts: SourceFacts, asked: set[int]) -> Iterator[Hit]:
    """``db.session.delete(db.session.get(Order, answer["order"]))``, ``requests.get(answer)``: the model says what is deleted, or which
    address is asked, and nobody confirms it."""
    for call in facts.calls("*.delete", "*.delete_one", "*.delete_many"):
        if call.method == "delete" and not call.callee.endswith("session.delete"):
            continue
        chosen = any(_from_model(facts, one, asked) for one in call.args)
        if chosen and not any(_ASKS.search(other.method) for other in facts.calls_in(call.function)):
            yield Hit("the model chooses what is deleted", call.span, certainty="likely")
    for flow in facts.flows("outbound-url"):
        whole = not isinstance(flow.value, (Format, Unknown)) and _from_model(facts, flow.value, asked)
        if whole and not _is_listed(facts, flow) and not is_checked(facts, flow.value, flow.function):
            yield Hit("the model chooses which address is asked", flow.span, certainty="likely")


def _is_listed(facts: SourceFacts, flow: Flow) -> bool:
    """``if command not in ALLOWED: abort(422)``: the model picks one of what the project has written itself."""
    spans = {part.span for part in walk(flow.value, 6) if isinstance(part, Call) and part.span is not None}
    return any(
        isinstance(one.left, Call) and one.left.span in spans and not isinstance(one.right, Constant)
        for one in facts.comparisons_in(flow.function)
        if one.operator in ("in", "not in")
    )


def _dispatched(facts: SourceFacts) -> Iterator[Hit]:
    """``TOOLS[call.function.name](**arguments)`` where the model was given tools, and nothing asks about the arguments or a person; with single
    arguments where one of the tools changes what is kept."""
    given = {
        call.function for call in model_calls(facts) if call.function and said(call, "tools", "functions") is not None
    }
    for function in given:
        calls = list(facts.calls_in(function))
        if any(_ASKS.search(call.method) for call in calls) or not any(call.method == "loads" for call in calls):
            continue
        for call in calls:
            chosen = call.callee == "?" and call.span is not None and not _only_tells(facts, call)
            if chosen and call.span is not None and (call.open or _is_a_change(facts, call)):
                yield Hit("the model chooses which function runs, and with what", call.span, certainty="likely")


def _only_tells(facts: SourceFacts, call: Call) -> bool:
    """``TOOLS[name](**arguments)`` of a table of the project's own functions that tell something by their names, and none of which changes,
    runs or asks for anything."""
    table = call.receiver.owner if isinstance(call.receiver, Item) else None
    if not isinstance(table, Mapping) or table.open or not table.items:
        return False
    names = [one.dotted for _, one in table.items if isinstance(one, Name) and facts.function(one.dotted) is not None]
    if len(names) != len(table.items) or not all(_TELLS.match(name.rpartition(".")[2]) for name in names):
        return False
    reached = index_of(facts).calling(names, 3)
    acts = any(flow.function in reached for flow in facts.flows(*_SINKS, "outbound-url"))
    return not acts and not any(writes(facts, name) or runs_command(facts, name) for name in reached)


def _is_a_change(facts: SourceFacts, call: Call) -> bool:
    """``TOOLS[name](number)`` of a table of the project with a function that writes: ``{"refund": refund}``."""
    table = call.receiver.owner if isinstance(call.receiver, Item) else None
    told = any(isinstance(part, Call) and part.method == "loads" for one in call.args for part in walk(one, 6))
    return (
        isinstance(table, Mapping)
        and told
        and any(isinstance(one, Name) and writes(facts, one.dotted) for _, one in table.items)
    )


def _is_record(facts: SourceFacts, value: Value) -> bool:
    """``handler.execute(Command(name))``: an object of the project is no statement."""
    return isinstance(value, Call) and value.callee in classes_by_name(facts)


def _is_expression(value: Value) -> bool:
    """``select(COLUMNS[name]).limit(number)``: a statement that SQLAlchemy makes, in which every value is a parameter."""
    if isinstance(value, Call) and value.method in _READS_A_BODY:
        return True  # the arguments of a tool, as its model takes them
    root = value
    while isinstance(root, Call) and isinstance(root.receiver, Call):
        root = root.receiver
    if not isinstance(root, Call) or root.method not in ("select", "insert", "update", "delete"):
        return False
    return root.callee.startswith(("sqlalchemy", "flask_sqlalchemy")) and not any(
        isinstance(part, Call) and part.method in ("text", "literal_column") for part in walk(value, 8)
    )


def _from_model(facts: SourceFacts, value: Value, asked: set[int]) -> bool:
    if _is_picked(value):
        return False
    calls = [part for part in _outside_tables(value) if isinstance(part, Call)]
    if any(id(one) in asked or asks_by_name(facts, one) or _gives_answers(facts, one, asked) for one in calls):
        return True
    return facts.derives(value, "model-output")


def _gives_answers(facts: SourceFacts, call: Call, asked: set[int]) -> bool:
    own = facts.function(call.callee)
    return own is not None and any(
        isinstance(inner, Call) and id(inner) in asked for one in own.returns for inner in walk(one)
    )


def _is_picked(value: Value) -> bool:
    """``{"hotel": "hotel", "day": "arrival"}[column]``: the model picks one of what the project has written itself."""
    return isinstance(value, Item) and isinstance(value.owner, Mapping) and not value.owner.open


def _outside_tables(value: Value, depth: int = 12) -> Iterator[Value]:
    """What stands in a value, without that by which one of a table is picked."""
    if _is_picked(value):
        return
    yield value
    for part in parts(value) if depth else ():
        yield from _outside_tables(part, depth - 1)


def probe(target: Target) -> Steps[Verdict]:
    """The model must not list or call tools for a caller, nor may a statement that it writes be run."""
    if not (yield from models(target)):
        return not_applicable("no endpoint of a language model answers in this mode")
    found = yield from broken(target, "agency")
    if found is None:
        return passed("no tool was called and no output was run")
    return failed(
        f"{found.model.ref} acts on what a message says ({found.attack.name})", [found.model.ref], found.evidence
    )


RULE = Rule(
    slug="llm-excessive-agency",
    family="llm",
    title="A message makes the model act, or its output is run",
    harm=__doc__ or "",
    severity="high",
    check="llm",
    cwe=(94,),
    owasp="API8:2023",
    asvs=("V1.3.2",),
    surfaces=("source", "wsgi", "http"),
    ends="No setting of Stopper does; `Stopper(app)` limits who may ask.",
    detect=detect,
    probe=probe,
)
