"""One entry of the catalogue: a weakness, how bad it is, and how it is seen."""

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from stopper.core.place import RouteRef, Span

if TYPE_CHECKING:
    from stopper.core.app import App
    from stopper.core.finding import Verdict
    from stopper.core.probe import Step, Target

Severity = Literal["low", "medium", "high", "critical"]
SEVERITIES: Final[tuple[Severity, ...]] = ("low", "medium", "high", "critical")

Certainty = Literal["possible", "likely", "certain"]
"""How often a detector of this kind is right when it speaks."""

Surface = Literal["source", "running", "wsgi", "http", "https"]

Check = Literal[
    "authentication", "object-authorization", "function-authorization", "property-authorization", "input-validation",
    "rate-limiting", "data-exposure", "transport", "ssrf", "inventory", "unsafe-consumption", "llm",
]  # fmt: skip
CHECKS: Final[tuple[Check, ...]] = (
    "authentication", "object-authorization", "function-authorization", "property-authorization", "input-validation",
    "rate-limiting", "data-exposure", "transport", "ssrf", "inventory", "unsafe-consumption", "llm",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hit:
    """What a detector saw: where, and in one sentence what is wrong there. ``certainty`` overrides the rule's own; ``severity`` says that
    what was seen weighs less than the rule's worst.

    ``reader`` says whose facts it rests on; None means the source where there is a span, else the running application.
    """

    message: str
    span: Span | None = None
    route: RouteRef | None = None
    certainty: Certainty | None = None
    reader: Literal["source", "running", "spec"] | None = None
    severity: Severity | None = None
    cause: str = ""
    """What several signs of one rule come from: they are one finding, with a place each."""


How = Literal[
    "replace",
    "function",
    "line-before",
    "line-after",
    "below",
    "escaped",
    "bound",
    "left-out",
    "method",
    "inside",
    "operands",
]


@dataclass(frozen=True, slots=True)
class Edit:
    """One replacement in one file. ``imports`` are modules the new text needs. ``safe`` edits never change good behaviour.

    With ``arguments`` the span is a call and ``text`` is empty: the call is passed these keywords (name, source of the value),
    whatever its shape; a value that it passes already is replaced. A number in place of a name (``"1"``) is the place of an argument
    that is passed without a name, and only replaced. ``how`` says what becomes of the text: it stands in place of the span,
    in place of the function of the call at the span, or on a line of its own before or after the statement around the span;
    ``operands`` stands in place of the comparison at the span, with its two sides for ``{0}`` and ``{1}``, in brackets where they need them;
    ``method`` gives the method of the call at the span another name, ``inside`` puts lines at the beginning of the function whose ``def`` stands
    at the span, below its docstring. ``below`` (without text) moves the decorator at the span below the others of its function, and ``escaped`` (without text) escapes what
    is put into the markup that is put together at the span; ``bound`` binds what is put into the SQL text that the call at the span is
    passed, with ``text`` as the placeholder (``?``, ``%s``, or ``:`` for named ones); ``left-out`` takes the span out of the ``or`` or the
    look-up's default that it is a way of, or with ``text`` the member of that name out of the mapping or call at the span, or with
    a place and a count (``1/3``) that part of the f-string of so many parts there, in place of which stars stand.
    ``also`` are edits of the same file that are made with this one or not at all (where all of them pass arguments, each for itself);
    they have no ``also`` of their own.
    """

    span: Span
    text: str
    safe: bool
    imports: tuple[str, ...] = ()
    arguments: tuple[tuple[str, str], ...] = ()
    how: How = "replace"
    also: "tuple[Edit, ...]" = ()


Detector = Callable[["App"], Iterable[Hit]]
Probe = Callable[["Target"], Generator["Step", Any, "Verdict"]]
Fixer = Callable[["App", Hit], Edit | None]


@dataclass(frozen=True, slots=True)
class Rule:
    """One weakness. The slug is the file's stem with ``-`` for ``_``; ``ends`` is the setting or call of the guard that ends it.

    ``harm`` is the module's docstring line. ``certainty`` speaks of the detector. ``surfaces`` says where the rule can look: ``source`` and
    ``running`` (the imported application) with a detector, the others with a probe.
    ``effect_of`` names source rules whose weakness a proof by this rule's probe shows: they become one finding.
    ``depth`` is the least depth at which the probe runs. ``disturbs``: the probe ends credentials or trips limits that other
    probes need, so it runs alone, after all of them. ``measures``: the probe looks at how long answers take, so it is not turned away
    from a door that is slow, and what it made slow counts for nobody.
    """

    slug: str
    family: str
    title: str
    harm: str
    severity: Severity
    check: Check
    cwe: tuple[int, ...]
    owasp: str
    asvs: tuple[str, ...]
    surfaces: tuple[Surface, ...]
    ends: str
    certainty: Certainty = "certain"
    detect: Detector | None = None
    probe: Probe | None = None
    fix: Fixer | None = None
    effect_of: tuple[str, ...] = ()
    depth: Literal["quick", "standard", "deep"] = "quick"
    disturbs: bool = False
    provokes: bool = False
    """Whether the probe asks wrongly to see what an error says: what it sent may be kept, and whoever reads it later fails."""
    measures: bool = False
    echo_of: tuple[str, ...] = ()
    """Rules that say more of the same cause. Where one is proven by a request, the signs of this rule are left out, and so are its proofs by a
    quote in an input where theirs is by a quote in the same."""
    repeats: tuple[str, ...] = ()
    """Rules whose weakness, at the same line of the source, is mended by what mends this one: there this one is silent, unless theirs weighs
    less."""
    reads_tests: bool = False
    """The detector asks facts with ``tests=True``. Where no rule of a run does, test code is only held to be Python."""
