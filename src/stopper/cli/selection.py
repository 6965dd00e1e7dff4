"""Which rules run: ``--select`` and ``--ignore`` take slugs, families and severities."""

from collections.abc import Iterable, Sequence

from stopper.cli.nearest import did_you_mean
from stopper.core.errors import UsageError
from stopper.core.rule import SEVERITIES, Rule


def chosen(rules: Sequence[Rule], select: Iterable[str], ignore: Iterable[str]) -> tuple[Rule, ...]:
    """The rules that *select* names (all, when it names none) without those that *ignore* names.

    Raises UsageError for a name that is no rule, family or severity, and when nothing is left.
    """
    wanted, unwanted = _split(select), _split(ignore)
    for name in (*wanted, *unwanted):
        known(name, rules)
    kept = tuple(
        rule
        for rule in rules
        if (not wanted or any(_names(rule, name) for name in wanted))
        and not any(_names(rule, name) for name in unwanted)
    )
    if not kept:
        raise UsageError("--select and --ignore leave no rule; type stopper rules for the list")
    return kept


def _split(given: Iterable[str]) -> tuple[str, ...]:
    return tuple(part.strip() for one in given for part in one.split(",") if part.strip())


def _names(rule: Rule, name: str) -> bool:
    return name in (rule.slug, rule.family, rule.severity)


def known(name: str, rules: Sequence[Rule]) -> None:
    """Nothing. Raises UsageError for a name that is no rule, family or severity."""
    names = {rule.slug for rule in rules} | {rule.family for rule in rules} | set(SEVERITIES)
    if name not in names:
        near = did_you_mean(name, sorted(names)) or "; type stopper rules for the list"
        raise UsageError(f"there is no rule, family or severity {name!r}{near}")
