"""Constants of a module, held by things that have a life of their own: containers, properties, builders, models, files."""

import ast
import json
from collections.abc import Callable, Mapping

from tests.rules.respelling.constants import apart, assignments, here, home_of, independent
from tests.rules.respelling.tree import (
    Replaced,
    Rewriting,
    Sources,
    after_head,
    expression,
    name,
)

Known = dict[str, ast.expr]
Elsewhere = Callable[[Known], "tuple[list[ast.stmt], str, str] | None"]
"""Makes the statements that hold the constants, and says what is imported and how a constant is read from it."""


def _moved(file: str, hold: Elsewhere) -> Rewriting:
    """The constants in a thing of another module."""

    def arrange(tree: ast.Module, known: Known, module: str) -> dict[str, ast.Module]:
        given = _without_each_other(known)
        made = hold(given)
        assert made is not None
        statements, brought, read = made
        Replaced({one: read.format(one, one.lower()) for one in known}).visit(tree)
        tree.body.insert(after_head(tree), ast.ImportFrom(module, [ast.alias(brought)], 0))
        return {f"{module}.py": home_of(tree, given, statements)}

    return apart(file, arrange)


def _without_each_other(known: Known) -> Known:
    """Each value with those that it stands on put in."""
    made: Known = {}
    for one, value in known.items():
        holder = ast.Expression(value)
        Replaced({other: f"({ast.unparse(held)})" for other, held in made.items()}).visit(holder)
        made[one] = holder.body
    return made


def _container(known: Known) -> tuple[list[ast.stmt], str, str]:
    """``container.register("KEY", lambda: …)`` and ``container.resolve("KEY")``."""
    made = ast.parse(
        "class Container:\n    def __init__(self):\n        self._makers = {}\n"
        "    def register(self, name, maker):\n        self._makers[name] = maker\n"
        "    def resolve(self, name):\n        return self._makers[name]()\n"
        "container = Container()"
    ).body
    for one, value in known.items():
        call = expression(f"container.register({one!r}, lambda: 0)")
        assert isinstance(call, ast.Call)
        assert isinstance(call.args[1], ast.Lambda)
        call.args[1].body = value
        made.append(ast.Expr(call))
    return made, "container", "container.resolve('{0}')"


def _methods(known: Known, make: Callable[[str], str]) -> list[ast.stmt]:
    """Methods by *make*, each of which returns its constant where the text says ``VALUE``."""
    found: list[ast.stmt] = []
    for one, value in known.items():
        holder = ast.parse(make(one.lower()))
        Replaced({"VALUE": f"({ast.unparse(value)})"}).visit(holder)
        found += holder.body
    return found


def _properties(known: Known) -> tuple[list[ast.stmt], str, str]:
    body = _methods(known, lambda word: f"@property\ndef {word}(self):\n    return VALUE")
    made: list[ast.stmt] = [ast.ClassDef("Settings", [], [], body, []), *ast.parse("settings = Settings()").body]
    return made, "settings", "settings.{1}"


def _setters(known: Known) -> tuple[list[ast.stmt], str, str]:
    """Properties with setters over fields of their own, set once the object is made."""
    made: list[ast.stmt] = ast.parse("class Settings: pass\nsettings = Settings()").body
    holder = made[0]
    assert isinstance(holder, ast.ClassDef)
    words = [one.lower() for one in known]
    fields = "\n".join(f"    self._{word} = None" for word in words)
    methods = "\n".join(
        f"@property\ndef {word}(self):\n    return self._{word}\n"
        f"@{word}.setter\ndef {word}(self, value):\n    self._{word} = value"
        for word in words
    )
    holder.body = ast.parse(f"def __init__(self):\n{fields}\n{methods}").body
    made += [
        ast.Assign([ast.Attribute(name("settings"), one.lower(), ast.Store())], value) for one, value in known.items()
    ]
    return made, "settings", "settings.{1}"


def _loaded(known: Known) -> tuple[list[ast.stmt], str, str]:
    """Fields that another method than the constructor fills."""
    fields = "\n".join(f"        self.{one.lower()} = None" for one in known)
    made = ast.parse(
        f"class Settings:\n    def __init__(self):\n{fields}\n    def load(self):\n        pass\n        return self\nsettings = Settings()\nsettings.load()"
    ).body
    holder = made[0]
    assert isinstance(holder, ast.ClassDef)
    assert isinstance(holder.body[1], ast.FunctionDef)
    holder.body[1].body[:1] = [
        ast.Assign([ast.Attribute(name("self"), one.lower(), ast.Store())], value) for one, value in known.items()
    ]
    return made, "settings", "settings.{1}"


def _builder(known: Known) -> tuple[list[ast.stmt], str, str]:
    """A builder fills ``self.options`` step by step."""
    made = ast.parse(
        "class Options:\n    def __init__(self):\n        self.options = {}\n"
        "    def option(self, name, value):\n        self.options[name] = value\n        return self\n"
        "    def build(self):\n        return dict(self.options)"
    ).body
    chain = expression("Options()")
    for one, value in known.items():
        chain = ast.Call(ast.Attribute(chain, "option", ast.Load()), [ast.Constant(one), value], [])
    chain = ast.Call(ast.Attribute(chain, "build", ast.Load()), [], [])
    return [*made, ast.Assign([ast.Name("options", ast.Store())], chain)], "options", "options['{0}']"


def _picked(known: Known) -> tuple[list[ast.stmt], str, str]:
    """Classes of settings, one of which a variable of the environment picks; a cached function hands it out."""
    base = ast.ClassDef("Common", [], [], assignments(known), [])
    rest = ast.parse(
        "import os\nfrom functools import lru_cache\nclass Local(Common):\n    STAGE = 'local'\n"
        "class Live(Common):\n    STAGE = 'live'\nSTAGES = {'local': Local, 'live': Live}\n"
        "@lru_cache\ndef get_settings():\n    return STAGES.get(os.environ.get('APP_STAGE', 'live'), Live)()"
    ).body
    return [*rest[:2], base, *rest[2:]], "get_settings", "get_settings().{0}"


def _namespace(known: Known) -> tuple[list[ast.stmt], str, str]:
    made = expression("SimpleNamespace()")
    assert isinstance(made, ast.Call)
    made.keywords = [ast.keyword(one.lower(), value) for one, value in known.items()]
    brought = ast.parse("from types import SimpleNamespace").body
    return [*brought, ast.Assign([ast.Name("settings", ast.Store())], made)], "settings", "settings.{1}"


def _tuple(known: Known, taken: set[str]) -> tuple[list[ast.stmt], str]:
    """``A, B = 1, 2``."""
    independent(known)
    targets = ast.Tuple([ast.Name(one, ast.Store()) for one in known], ast.Store())
    if len(known) < 2:
        return assignments(known), "%s"
    return [ast.Assign([targets], ast.Tuple(list(known.values()), ast.Load()))], "%s"


def _in_a_file(file: str, write: Callable[[Mapping[str, object]], str | None], read: str) -> Rewriting:
    """Literals stand in a file beside the code, which is parsed where the application starts."""

    def arrange(tree: ast.Module, known: Known, module: str) -> dict[str, ast.Module]:
        held = {one: found for one, value in known.items() if (found := _literal(value)) is not None}
        text = write(held)
        if not held or text is None or len(held) != len(known):
            return {}
        tree.body[after_head(tree) : after_head(tree)] = ast.parse(read).body
        Replaced({one: f"VALUES['{one}']" for one in known}).visit(tree)
        return {file: ast.parse(repr(text))}

    inner = apart(file.partition(".")[0], arrange)

    def rewriting(sources: Sources) -> dict[str, str] | None:
        made = inner(sources)
        if made is None or file not in made:
            return None
        made[file] = ast.literal_eval(made[file].strip())
        return made if not any("VALUES" in text for text in sources.values()) else None

    return rewriting


def _literal(value: ast.expr) -> "str | int | float | list[object] | dict[str, object] | None":
    try:
        found = ast.literal_eval(value)
        return found if json.loads(json.dumps(found)) == found and found is not None else None
    except (ValueError, TypeError, SyntaxError):
        return None


def _as_ini(held: Mapping[str, object]) -> str | None:
    if not all(
        isinstance(one, str) and one and "\n" not in one and "%" not in one and one == one.strip()
        for one in held.values()
    ):
        return None
    return "[app]\n" + "".join(f"{key} = {value}\n" for key, value in held.items())


def _as_toml(held: Mapping[str, object]) -> str | None:
    if any(isinstance(one, (dict, bool)) for one in held.values()):
        return None
    return "[app]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in held.items())


_PARSED = "import {library}\nfrom pathlib import Path\nVALUES = {parse}"
_TEXT = "Path(__file__).with_name('{file}').read_text()"

in_a_container = _moved("wiring", _container)
in_properties = _moved("settings", _properties)
in_setters = _moved("settings", _setters)
in_a_loaded_object = _moved("settings", _loaded)
in_a_builder = _moved("settings", _builder)
picked_by_the_environment = _moved("settings", _picked)
in_a_namespace = _moved("settings", _namespace)
unpacked = here(_tuple, lasting=False)
in_json = _in_a_file("settings.json", lambda held: json.dumps(held, indent=2), _PARSED.format(library="json", parse=f"json.loads({_TEXT.format(file='settings.json')})"))  # fmt: skip
in_yaml = _in_a_file("settings.yaml", lambda held: "".join(f"{key}: {json.dumps(value)}\n" for key, value in held.items()), _PARSED.format(library="yaml", parse=f"yaml.safe_load({_TEXT.format(file='settings.yaml')})"))  # fmt: skip
in_toml = _in_a_file("settings.toml", _as_toml, _PARSED.format(library="tomllib", parse=f"tomllib.loads({_TEXT.format(file='settings.toml')})['app']"))  # fmt: skip
in_ini = _in_a_file("settings.ini", _as_ini, "import configparser\nfrom pathlib import Path\nPARSER = configparser.ConfigParser()\nPARSER.optionxform = str\nPARSER.read(Path(__file__).with_name('settings.ini'))\nVALUES = PARSER['app']")  # fmt: skip
