"""`stopper rules`: list the catalogue, or explain one rule."""

import json
import shutil
import sys

import click

from stopper.cli.nearest import did_you_mean
from stopper.cli.output import to_stdout
from stopper.core.errors import UsageError
from stopper.core.rule import SEVERITIES, Rule


@click.command("rules", short_help="List the rules, or explain one.")
@click.argument("slug", required=False)
@click.option("--format", "shape", type=click.Choice(("text", "json")), default="text", help="How it is written.")
@click.option("--json-schema", is_flag=True, help="Print the JSON Schema of the reports instead.")
@click.option("--traceback", is_flag=True, help="Show where an error inside Stopper came from.")
def command(slug: str | None, shape: str, json_schema: bool, traceback: bool) -> int:
    """List the rules, those of a family such as jwt, or explain the one named SLUG: the harm, a bad and a good app, and the fix."""
    if json_schema:
        from stopper.scan.reports.json import schema

        to_stdout(schema())
        return 0
    from stopper.scan import catalogue

    every = catalogue.load()
    family = tuple(rule for rule in every if rule.family == slug)
    if slug is None or family:
        every = family or every
        to_stdout(json.dumps([_row(rule) for rule in every], indent=2) + "\n" if shape == "json" else _table(every))
        return 0
    rule = next((one for one in every if one.slug == slug), None)
    if rule is None:
        near = did_you_mean(slug, [one.slug for one in every]) or "; type stopper rules for the list"
        raise UsageError(f"there is no rule {slug!r}{near}")
    text = catalogue.page(rule).text.rstrip() + "\n"
    to_stdout(json.dumps({**_row(rule), "page": text}, indent=2) + "\n" if shape == "json" else _page(rule, text))
    return 0


def _row(rule: Rule) -> dict[str, object]:
    return {
        "slug": rule.slug,
        "family": rule.family,
        "title": rule.title,
        "harm": rule.harm,
        "severity": rule.severity,
        "certainty": rule.certainty,
        "check": rule.check,
        "cwe": [f"CWE-{number}" for number in rule.cwe],
        "owasp": rule.owasp,
        "asvs": list(rule.asvs),
        "surfaces": list(rule.surfaces),
        "ends": rule.ends,
        "fixable": rule.fix is not None,
    }


def _table(rules: tuple[Rule, ...]) -> str:
    slugs = max((len(rule.slug) for rule in rules), default=0)
    checks = max((len(rule.check) for rule in rules), default=0)
    width = shutil.get_terminal_size((100, 24)).columns if sys.stdout.isatty() else 0
    lines: list[str] = []
    for rule in sorted(rules, key=lambda one: (one.family, -SEVERITIES.index(one.severity), one.slug)):
        line = f"{rule.slug:<{slugs}}  {rule.severity:<8}  {rule.check:<{checks}}  {rule.title}"
        lines.append(line[: width - 1] + "…" if width and len(line) > width else line)
    return "\n".join([*lines, f"{len(rules)} rules; stopper rules SLUG explains one.", ""])


def _page(rule: Rule, text: str) -> str:
    cwe = ", ".join(f"CWE-{number}" for number in rule.cwe)
    asvs = ", ".join(rule.asvs)
    head = f"{rule.slug}   {rule.severity}   {rule.check}   {cwe}   {rule.owasp}" + (f"   ASVS {asvs}" if asvs else "")
    return f"{head}\nEnd it: {rule.ends}\n\n{text}"
