"""Makes the pages that are read off the code: settings, catalogue and features. With ``--check`` it only compares.

python docs/make.py            write docs/settings.md, docs/catalogue.md, docs/features.md
python docs/make.py --check    exit 1 where a page is not what the code says
"""

import ast
import importlib
import pkgutil
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import stopper
from stopper.core.settings import declared
from stopper.scan import catalogue

HERE = Path(__file__).resolve().parent
NOT_RUN_IN_A_SERVICE = ("stopper.scan", "stopper.rules", "stopper.testing", "stopper.cli", "stopper.demo")


def settings_page() -> str:
    """Every setting of every module that can run in a service."""
    for module in pkgutil.walk_packages(stopper.__path__, "stopper."):
        if not module.name.startswith(NOT_RUN_IN_A_SERVICE) and ".migrations" not in module.name:
            _imported(module.name)
    lines = [
        "# Settings",
        "",
        "Made by `docs/make.py` from the declarations in the code. Set them in `app.config` or in the environment; `app.config` wins.",
        "An unknown `STOPPER_…` key in `app.config` is an error, an unknown environment variable a warning.",
        "",
        "| setting | kind | default | what it does |",
        "|---|---|---|---|",
    ]
    for key, setting in sorted(declared.items()):
        shown = "not set" if setting.secret or setting.default in ((), "", None) else f"`{setting.default}`"
        lines.append(f"| `{key}` | {setting.kind} | {shown} | {_cell(setting.doc)} |")
    return "\n".join(lines) + "\n"


def _imported(name: str) -> None:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as missing:
        if (missing.name or "stopper").partition(".")[0] == "stopper":
            raise
        # An adapter for a package that is not installed here; adapters declare no settings.


def catalogue_page() -> str:
    """Every rule by family, with how it is seen."""
    families: dict[str, list[str]] = defaultdict(list)
    for rule in catalogue.load():
        seen = ", ".join(rule.surfaces)
        path = f"../src/stopper/rules/{rule.family.replace('-', '_')}/{rule.slug.replace('-', '_')}.md"
        families[rule.family].append(
            f"| [{rule.slug}]({path}) | {rule.severity} | {rule.check} | {seen} | {_cell(rule.title)} |"
        )
    lines = [
        "# The catalogue",
        "",
        "Made by `docs/make.py`. `stopper rules SLUG` shows the same pages on the command line.",
        "",
    ]
    for family, rows in sorted(families.items()):
        lines += [
            f"## {family}",
            "",
            "| rule | severity | check | seen in | weakness |",
            "|---|---|---|---|---|",
            *sorted(rows),
            "",
        ]
    return "\n".join(lines).rstrip() + "\n"


def features_page() -> str:
    """Which test shows which feature, read off the marks ``@pytest.mark.feature("F1")``."""
    shown: dict[str, list[str]] = defaultdict(list)
    for path in sorted((HERE.parent / "tests").rglob("test_*.py")):
        for name, feature in _marks(path):
            shown[feature].append(f"`{path.relative_to(HERE.parent).as_posix()}::{name}`")
    lines = [
        "# Features and the tests that show them",
        "",
        "Made by `docs/make.py` from the test marks. The numbers are those of the feature list.",
        "",
        "| feature | tests |",
        "|---|---|",
    ]
    for feature, tests in sorted(shown.items(), key=lambda item: int(item[0][1:])):
        lines.append(f"| {feature} | {', '.join(tests)} |")
    return "\n".join(lines) + "\n"


def _marks(path: Path) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            continue
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith("mark.feature"):
                yield from (
                    (node.name, str(argument.value))
                    for argument in decorator.args
                    if isinstance(argument, ast.Constant)
                )


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


PAGES = {"settings.md": settings_page, "catalogue.md": catalogue_page, "features.md": features_page}


def main(arguments: list[str]) -> int:
    """Write the pages, or say which ones are out of date."""
    stale: list[str] = []
    for name, make in PAGES.items():
        path, text = HERE / name, make()
        if "--check" not in arguments:
            path.write_text(text, "utf-8")
        elif not path.exists() or path.read_text("utf-8") != text:
            stale.append(name)
    for name in stale:
        sys.stderr.write(f"docs/{name} is not what the code says; type: make docs\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
