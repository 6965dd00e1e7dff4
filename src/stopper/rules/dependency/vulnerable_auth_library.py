"""The way in is public: somebody has written it down, with an example."""

import re
from collections.abc import Iterator

from stopper.core.app import App
from stopper.core.deployment.auth_advisories import (
    ADVISORIES,
    Advisory,
    holes,
    holes_below,
    is_in_use,
    mended_in,
    module_of,
    order,
)
from stopper.core.deployment.requirement_lines import Pin, installed_by, pins_of, running_files
from stopper.core.facts import source_of
from stopper.core.place import Span
from stopper.core.rule import Edit, Hit, Rule


def detect(app: App) -> Iterator[Hit]:
    """Pinned and locked versions in the files, and the versions that the running application has."""
    told: set[str] = set()
    facts = source_of(app)
    written = [(file, pins_of(file)) for file in running_files(facts)]
    written += [(file, installed_by(file)) for file in facts.files_of("dockerfile")]
    for _, pins in written:
        for pin in pins:
            if pin.name not in ADVISORIES or pin.name in told:
                continue
            found = holes(pin.name, pin.version) if pin.exact else holes_below(pin.name, pin.version, pin.below)
            if found:
                told.add(pin.name)
                yield Hit(_said(pin.name, pin.version if pin.exact else pin.below, found, pin.exact), pin.span)
    if "running" not in app.readers:
        return
    for name, version in app.dependencies.items():
        if name in ADVISORIES and name not in told and is_in_use(app, name):
            loaded = app.wiring.loaded.get(module_of(name), "") if app.wiring is not None else ""
            if found := holes(name, loaded if order(loaded) else version):
                yield Hit(_said(name, loaded if order(loaded) else version, found), reader="running")


def _said(name: str, version: str, found: tuple[Advisory, ...], exact: bool = True) -> str:
    """The holes by number, one in words, and the version that mends all of them; of a range, whose end *version* is, that it leaves that out."""
    cves = ", ".join(dict.fromkeys(one.cve for one in found))
    open_one = next((one for one in found if not one.mended), None)
    last = open_one or max(found, key=lambda one: order(one.mended))
    whole = max(mended_in(name, version), last.mended, key=order)
    mend = "no version is known that mends it" if open_one else f"all mended in {whole}"
    if exact:
        return f"{name} {version} has {cves}: {last.what}; {mend}"
    return f"{name} below {version} has {cves}: {last.what}; {mend}, which this range leaves out"


def fix(app: App, hit: Hit) -> Edit | None:
    """The version that mends all of the holes, in place of one that is pinned by ``==``. What a second file pins as well, such as one for locks,
    is changed in both by the tool that writes them."""
    facts = source_of(app)
    files = (*running_files(facts), *facts.files_of("dockerfile"))
    pins = [
        (file, pin) for file in files for pin in (*pins_of(file), *installed_by(file)) if holes(pin.name, pin.version)
    ]
    for file, pin in pins:
        line = file.lines[pin.span.line - 1]
        if pin.span != hit.span or not hit.message.startswith(f"{pin.name} ") or not pin.exact:
            continue
        if "--hash" in line or line.rstrip().endswith("\\"):
            continue
        if {other.path for other, same in pins if same.name == pin.name} == {file.path}:
            return _in_place(line, pin, mended_in(pin.name, pin.version))
    return None


def _in_place(text: str, pin: Pin, mended: str) -> Edit | None:
    said = re.sub(r"-", r"[-_.]+", re.escape(pin.name).replace(r"\-", "-"))
    places = list(
        re.finditer(rf"(?i)(?<![\w-]){said}(?:\[[\w, -]*\])?\s*={{2,3}}\s*({re.escape(pin.version)})(?![\w.])", text)
    )
    if not mended or len(places) != 1:
        return None
    start, end = places[0].span(1)
    return Edit(Span(pin.span.path, pin.span.line, pin.span.line, start + 1, end + 1), mended, safe=False)


RULE = Rule(
    slug="vulnerable-auth-library",
    family="dependency",
    title="Authentication library with a known hole",
    harm=__doc__ or "",
    severity="high",
    check="inventory",
    cwe=(1395,),
    owasp="API8:2023",
    asvs=("V15.2.1",),
    surfaces=("source", "running"),
    ends="Stopper's floors in its own requirements are the first versions without a known hole.",
    certainty="certain",
    detect=detect,
    fix=fix,
)
