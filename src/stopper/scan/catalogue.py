"""Finds the rules and reads their pages. Nothing is registered by hand: a rule is two files in a family's folder."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

import stopper.rules
from stopper.core.errors import StopperError
from stopper.core.later_pattern import patterns_later
from stopper.core.rule import CHECKS, SEVERITIES, Rule

SECTIONS: Final = ("Bad", "Good", "Fix", "Cases", "Known misses")
_KINDS: Final[dict[str, Literal["bad", "good", "running"]]] = {"bad": "bad", "good": "good", "running": "running"}
_MARK: Final = re.compile(r"#\s*expect:\s*([a-z0-9-]+(?:\s*,\s*[a-z0-9-]+)*)")
_FILE: Final = re.compile(r"#\s*file:\s*(\S+)\s*$")
_IDENTITY: Final = re.compile(r"<!--\s*identity:\s*(.+?)\s*-->")


class CatalogueError(StopperError):
    """A rule's two files do not belong together; the text says which and what to change."""

    code = "catalogue"


@dataclass(frozen=True, slots=True)
class Example:
    """One small Flask app of a page. ``files`` are name → text; ``marks`` are the (file, line) that the detector must hit."""

    kind: Literal["bad", "good", "running"]
    """``running``: nothing in the source shows it, the imported application does."""
    title: str
    files: tuple[tuple[str, str], ...]
    line: int
    """The line of the page where the first block begins."""

    def marks(self, slug: str) -> frozenset[tuple[str, int]]:
        """The lines marked with ``# expect:`` and that slug."""
        return frozenset(
            (name, number)
            for name, text in self.files
            for number, line in enumerate(text.splitlines(), 1)
            if (found := _MARK.search(line)) and slug in re.split(r"\s*,\s*", found.group(1))
        )


@dataclass(frozen=True, slots=True)
class Page:
    """A rule's page: what it says and its examples."""

    title: str
    summary: str
    fix: str
    bad: Example
    good: Example
    cases: tuple[Example, ...] = ()
    known_misses: str = ""
    identities: tuple[str, ...] = ()
    """``NAME=CREDENTIAL`` as on the command line, from ``<!-- identity: … -->``."""
    text: str = field(default="", repr=False)


@lru_cache(maxsize=1)
def load() -> tuple[Rule, ...]:
    """Every rule, by slug. Raises CatalogueError for a rule whose file, folder, slug or docstring do not agree, or that has no page.
    What stands in the pages is read when somebody asks for it; :func:`survey` judges that too."""
    rules, problems = survey(pages=False)
    if problems:
        raise problems[0]
    return rules


def survey(*, pages: bool = True) -> tuple[tuple[Rule, ...], tuple[CatalogueError, ...]]:
    """Every sound rule, by slug, and what is wrong with the others; with *pages* also what is wrong with their pages."""
    found: dict[str, Rule] = {}
    problems: list[CatalogueError] = []
    for name in _modules():
        try:
            with patterns_later():
                rule = _rule(name)
            if pages:
                page(rule)
            if rule.slug in found:
                raise CatalogueError(f"two rules are called {rule.slug}")
            found[rule.slug] = rule
        except CatalogueError as wrong:
            problems.append(wrong)
        except Exception as wrong:  # noqa: BLE001 - a rule that does not import must not hide the others
            problems.append(CatalogueError(f"{name} does not import: {type(wrong).__name__}: {wrong}"))
    return tuple(found[slug] for slug in sorted(found)), tuple(problems)


def find(slug: str) -> Rule | None:
    """The rule of that slug."""
    return next((rule for rule in load() if rule.slug == slug), None)


def _modules() -> Iterator[str]:
    for module in pkgutil.walk_packages(stopper.rules.__path__, "stopper.rules."):
        if not module.ispkg:
            yield module.name


def _rule(name: str) -> Rule:
    module = importlib.import_module(name)
    family, _, stem = name.removeprefix("stopper.rules.").rpartition(".")
    rule = getattr(module, "RULE", None)
    if not isinstance(rule, Rule):
        raise CatalogueError(f"{name} has no RULE")
    if rule.slug != stem.replace("_", "-"):
        raise CatalogueError(
            f"{name} calls itself {rule.slug!r}; the slug is the file's stem, {stem.replace('_', '-')!r}"
        )
    if rule.family.replace("-", "_") != family:
        raise CatalogueError(f"{rule.slug} says family {rule.family!r} and lies in the folder {family!r}")
    doc = " ".join((module.__doc__ or "").split())
    if not doc or doc != " ".join(rule.harm.split()):
        raise CatalogueError(f"{rule.slug}: harm is not the module's docstring line")
    if rule.severity not in SEVERITIES or rule.check not in CHECKS or not rule.surfaces:
        raise CatalogueError(f"{rule.slug}: unknown severity or check, or no surface")
    if (rule.detect is not None) != ("source" in rule.surfaces) or (rule.probe is not None) != bool(
        set(rule.surfaces) - {"source", "running"}
    ):
        raise CatalogueError(
            f"{rule.slug}: surfaces are 'source' (and 'running') with a detector and 'wsgi', 'http' or 'https' with a probe"
        )
    if not page_path(rule).is_file():
        raise CatalogueError(f"{rule.slug} has no page {page_path(rule).name} beside it")
    return rule


def page_path(rule: Rule) -> Path:
    """Where the rule's page lies."""
    name = f"{rule.slug.replace('-', '_')}.md"
    places = [Path(folder) / rule.family.replace("-", "_") / name for folder in stopper.rules.__path__]
    return next((place for place in places if place.is_file()), places[0])


def page(rule: Rule) -> Page:
    """The rule's page. Raises CatalogueError for a part that is missing."""
    return read_page(page_path(rule).read_text(encoding="utf-8"), rule.slug)


@lru_cache(maxsize=256)
def read_page(text: str, slug: str) -> Page:
    """Read a page's Markdown. Raises CatalogueError for a part that is missing or a section that no page has."""
    _require_closed_blocks(text, slug)
    head, sections = _sections(text)
    lines = [line for line in head.splitlines() if line.strip() and not line.startswith("<!--")]
    if not lines or not lines[0].startswith("# "):
        raise CatalogueError(f"the page of {slug} does not begin with a title, '# …'")
    for name in sections:
        if name not in SECTIONS:
            raise CatalogueError(f"the page of {slug} has a section {name!r}; a page has {', '.join(SECTIONS)}")
    for name in ("Bad", "Good", "Fix"):
        if name not in sections:
            raise CatalogueError(f"the page of {slug} has no section '## {name}'")
    summary = " ".join(head.partition("\n")[2].strip().partition("\n\n")[0].split())
    if not summary:
        raise CatalogueError(f"the page of {slug} has no sentence below its title")
    return Page(
        title=lines[0][2:].strip(),
        summary=summary,
        fix=sections["Fix"][1].strip(),
        bad=_example("bad", "Bad", *sections["Bad"], slug),
        good=_example("good", "Good", *sections["Good"], slug),
        cases=tuple(_cases(*sections["Cases"], slug)) if "Cases" in sections else (),
        known_misses=sections.get("Known misses", (0, ""))[1].strip(),
        identities=tuple(_IDENTITY.findall(text)),
        text=text,
    )


def _require_closed_blocks(text: str, slug: str) -> None:
    """A block that is left open would hide the examples behind it."""
    opened = 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            if opened and line.strip("` "):
                break
            opened = 0 if opened else number
    if opened:
        raise CatalogueError(f"line {opened} of the page of {slug}: the block that begins there is not closed")


def _sections(text: str) -> tuple[str, dict[str, tuple[int, str]]]:
    """What stands before the first ``## …``, and each section's first line and text. Fences hide headings."""
    found: dict[str, tuple[int, str]] = {}
    head: list[str] = []
    current, fenced = head, False
    starts: list[tuple[str, int, list[str]]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            fenced = not fenced
        if line.startswith("## ") and not fenced:
            current = list[str]()
            starts.append((line[3:].strip(), number + 1, current))
        else:
            current.append(line)
    for name, number, lines in starts:
        found[name] = (number, "\n".join(lines))
    return "\n".join(head), found


def _cases(first: int, text: str, slug: str) -> Iterator[Example]:
    title, kind, start, lines, fenced = "", "", first, list[str](), False
    for number, line in enumerate([*text.splitlines(), "### end:"], first):
        if line.startswith("```"):
            fenced = not fenced
        if not line.startswith("### ") or fenced:
            lines.append(line)
            continue
        if kind:
            yield _example(_KINDS[kind], title, start, "\n".join(lines), slug)
        kind, _, title = line[4:].partition(":")
        kind, title, start, lines = kind.strip().lower(), title.strip(), number + 1, []
        if kind not in _KINDS and kind != "end":
            raise CatalogueError(
                f"the page of {slug} has a case {line!r}; a case is '### Bad: …', '### Good: …' or '### Running: …'"
            )


def _example(kind: Literal["bad", "good", "running"], title: str, first: int, text: str, slug: str) -> Example:
    files: dict[str, list[str]] = {}
    name, inside, started = "", False, first
    for number, line in enumerate(text.splitlines(), first):
        if line.startswith("```"):
            opens = not inside
            inside = opens and line.strip("` ").split(" ")[0] in (
                "python",
                "py",
                "yaml",
                "json",
                "toml",
                "ini",
                "html",
                "text",
                "env",
                "dockerfile",
                "nginx",
                "javascript",
            )
            if inside and not files:
                started = number + 1
            name = "app.py" if inside else ""
            if opens and not inside:
                raise CatalogueError(
                    f"line {number} of the page of {slug}: say what the block holds, for example ```python"
                )
        elif inside and (said := _FILE.match(line)):
            name = said.group(1)
            files.setdefault(name, [])
        elif inside:
            files.setdefault(name, []).append(line)
    if not files:
        raise CatalogueError(f"the page of {slug} has no code under {title!r}")
    return Example(kind, title, tuple((file, "\n".join(lines) + "\n") for file, lines in files.items()), started)
