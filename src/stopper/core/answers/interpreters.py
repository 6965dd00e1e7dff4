"""Calls beside the usual ones that run what they are given, as a program, a command or bytes that objects are made of."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.values import Call, Item, Mapping, Name, Value, text_of

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

RUNS: Final = (
    r"os\.(?:exec[lv]\w*|spawn[lv]\w*|posix_spawnp?|startfile)|asyncio\.create_subprocess_(?:shell|exec)|subprocess\.getstatusoutput|commands\.getoutput|__import__|importlib\.import_module"
    r"|shelve\.open|joblib\.load|torch\.load|pandas\.read_pickle|(?:_?pickle|cPickle|dill|cloudpickle)\.Unpickler|_pickle\.loads?|cPickle\.loads?|(?:dill|cloudpickle|marshal)\.load"
    r"|yaml\.(?:load_all|full_load|unsafe_load_all)"
    r"|ruamel\.yaml\.load|jsonpickle\.loads|jinja2\.(?:sandbox\.)?Environment\.compile_expression|flask\.(?:stream_template_string|Flask\.jinja_env\.from_string|current_app\.jinja_env\.from_string)"
    r"|mako\.template\.Template|code\.Interactive(?:Interpreter|Console)\.(?:runcode|runsource|push)|(?:.*\.)?(?:exec_command|from_string|containers\.run)"
    r"|numpy\.load|timeit\.(?:timeit|repeat)|runpy\.run_(?:path|module)|pty\.spawn|pexpect\.(?:spawnu?|run)|fabric\.Connection\.(?:run|sudo|local)|invoke\.(?:run|Context\.run)|sh\.(?:ba)?sh"
    r"|pandas\.(?:eval|DataFrame\.(?:eval|query))|numexpr\.evaluate|sympy\.(?:sympify|simplify|parse_expr|parsing\.sympy_parser\.parse_expr)|.*PythonREPL(?:Tool)?\.run"
    r"|js2py\.(?:eval_js6?|EvalJs\.(?:execute|eval))|_xxsubinterpreters\.run_string"
)
ANYWHERE: Final = re.compile(r"os\.(?:exec|spawn|posix_spawn)\w*|sh\.(?:ba)?sh|.*containers\.run")
"""Calls of which any argument may be the command."""
_CHOSEN: Final = re.compile(
    r"(?:_?pickle|dill|cloudpickle|marshal|jsonpickle|joblib)\.(?:loads?|decode)|yaml\.(?:unsafe_load|full_load)|eval|exec|os\.(?:system|popen)|subprocess\.getoutput"
)
_LOADERS: Final = r"(?:_?pickle|cPickle|dill|cloudpickle|joblib|torch|marshal)\.(?:load|Unpickler)|pandas\.read_pickle|yaml\.(?:unsafe|full)_load"
_BUFFERS: Final = frozenset({"io.BytesIO", "io.StringIO"})


def chosen(facts: "SourceFacts") -> Iterator[tuple[Call, Value]]:
    """``LOADERS[upload.mimetype](upload.stream)``: one of those that may be chosen makes objects of any kind, or runs what it is given."""
    for call in facts.calls("?"):
        one = call.receiver
        held = one.owner if isinstance(one, Item) else None
        several = [value for _, value in held.items] if isinstance(held, Mapping) else []
        if any(isinstance(value, Name) and _CHOSEN.fullmatch(value.dotted) for value in several):
            yield from ((call, value) for value in call.args)


def named(facts: "SourceFacts") -> Iterator[tuple[Call, Value]]:
    """``globals()[name]()``, which runs any function that the module knows, with the name; loaders that are told to make any object."""
    for call in facts.calls("?"):
        if (name := _name_of_any(call.receiver)) is not None:
            yield call, name
    for call in facts.calls("?.load", "?.load_all") if facts.imports("ruamel.yaml") else ():
        made = call.receiver
        if isinstance(made, Call) and text_of(made.keyword("typ")) == "unsafe" and call.args:
            yield call, call.args[0]


def _name_of_any(function: Value | None) -> Value | None:
    """What chooses among all that a module knows: ``globals()[name]``, ``globals().get(name)``."""
    match function:
        case Item(owner=Call(callee="globals" | "locals"), key=key):
            return key
        case Call(receiver=Call(callee="globals" | "locals"), args=(key, *_)) if function.method == "get":
            return key
        case _:
            return None


def in_memory(facts: "SourceFacts") -> Iterator[tuple[Call, Value]]:
    """``pickle.load(BytesIO(request.data))``: a loader that reads bytes as it would read a file, and those bytes."""
    for call in facts.calls_matching(_LOADERS):
        made = call.args[0] if call.args else None
        if isinstance(made, Call) and made.callee in _BUFFERS and made.args:
            yield call, made.args[0]


def formats(facts: "SourceFacts") -> Iterator[tuple[Call, Value]]:
    """``request.args["format"].format(row=row)``, with what is the format: ``{row.__init__.__globals__}`` reads what lies behind the object."""
    for call in facts.calls("*.format"):
        given = (*call.args, *(value for _, value in call.keywords))
        if call.receiver is not None and any(map(_is_object, given)):
            yield call, call.receiver


def _is_object(value: Value) -> bool:
    """A row, an object of a class, or what the framework holds; a text or a number has nothing behind it."""
    if isinstance(value, Name):
        return value.dotted.startswith(("flask.g.", "flask.current_app", "flask_login.current_user", "flask.request"))
    return isinstance(value, Call) and (value.method in _ROWS or value.method[:1].isupper())


_ROWS: Final = frozenset(
    {"first", "first_or_404", "get_or_404", "one", "one_or_404", "one_or_none", "get_or_none", "scalar_one"}
)
