"""The report as JUnit XML: one suite a check, one failed case a finding, one passed case a rule that found nothing."""

import xml.etree.ElementTree as ET

from stopper.core.rule import CHECKS, Check
from stopper.scan.report import Report
from stopper.scan.reports import masking
from stopper.scan.reports.shown import CHECK_NAMES, Shown, ShownFinding, shown


def render(report: Report) -> str:
    """JUnit XML as CI servers read it. What could not be read is an error; what was not tested is skipped."""
    run = shown(report)
    root = ET.Element("testsuites", name=f"stopper {run.command} {_legal(run.target)}", time=f"{run.seconds:.3f}")
    for check in CHECKS:
        suite = ET.SubElement(root, "testsuite", name=CHECK_NAMES[check], time="0")
        _fill(suite, report, run, check)
        if not len(suite):
            root.remove(suite)
    _reading(root, run)
    _count(root)
    ET.indent(root)
    return "<?xml version='1.0' encoding='utf-8'?>\n" + ET.tostring(root, encoding="unicode") + "\n"


def _fill(suite: ET.Element, report: Report, run: Shown, check: Check) -> None:
    found = [one for one in run.findings if one.check == check]
    for finding in found:
        _failure(suite, finding)
    failed = {one.rule for one in found}
    for outcome in report.outcomes:
        if outcome.check != check or outcome.slug in failed or outcome.outcome == "not-applicable":
            continue
        case = ET.SubElement(suite, "testcase", classname=f"stopper.{check}", name=outcome.slug, time="0")
        if outcome.outcome == "open":
            ET.SubElement(case, "skipped", message=_legal(masking.line(outcome.message)))


def _failure(suite: ET.Element, finding: ShownFinding) -> None:
    place = finding.place
    case = ET.SubElement(
        suite, "testcase", classname=f"stopper.{finding.check}", name=f"{finding.rule} {_legal(str(place))}", time="0"
    )
    if place.path:
        case.set("file", _legal(place.path))
        case.set("line", str(place.line))
    failure = ET.SubElement(
        case, "failure", type=f"{finding.severity}, {finding.confidence}", message=_legal(finding.message)
    )
    lines = [finding.message, *(str(one) for one in finding.places)]
    for evidence in finding.evidence:
        exchange = evidence.exchange
        answer = f": {exchange.method} {exchange.target} -> {exchange.result}" if exchange else ""
        lines.append(f"{evidence.text}{answer}")
    lines.append(f"Mend it: {finding.mend} With Stopper: {finding.ends}. More: stopper rules {finding.rule}")
    failure.text = _legal("\n".join(lines))


def _reading(root: ET.Element, run: Shown) -> None:
    if not run.errors:
        return
    suite = ET.SubElement(root, "testsuite", name="Reading", time="0")
    for path, line, message, fatal in run.errors:
        name = f"{_legal(path)}:{line}" if line else _legal(path)
        case = ET.SubElement(suite, "testcase", classname="stopper.reading", name=name, time="0")
        ET.SubElement(case, "error" if fatal else "skipped", message=_legal(message))


def _count(root: ET.Element) -> None:
    for suite in root:
        suite.set("tests", str(len(suite)))
        for kind, name in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            suite.set(name, str(len(suite.findall(f"testcase/{kind}"))))
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))


def _legal(value: str) -> str:
    """Without the characters that XML 1.0 §2.2 forbids."""
    return "".join(char for char in value if char in "\t\n" or (char >= " " and char not in "\ufffe\uffff"))
