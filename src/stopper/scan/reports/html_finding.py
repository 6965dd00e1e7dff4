"""One finding as a card of the HTML report."""

import re
from html import escape
from itertools import groupby

from stopper.scan.reports.shown import CHECK_NAMES, ShownEvidence, ShownFinding
from stopper.scan.reports.standards import pci_dss, soc2

_SURE = {
    "indicated": "a sign was seen",
    "corroborated": "two readers agree",
    "proven": "a request showed the effect",
    "confirmed": "shown by a request, and the line is known",
}


_CONTROL = re.compile(r"(?i)^(?:control|baseline):\s*")


def card(finding: ShownFinding, is_open: bool, command: str, curl: str = "") -> str:
    """The finding as a ``<details>`` element; everything in it is escaped."""
    sure = escape(finding.confidence)
    return (
        f'<details class="finding {finding.severity}" id="f-{finding.fingerprint[:12]}" data-severity="{finding.severity}" '
        f'data-check="{finding.check}"{" open" if is_open else ""}>'
        f"<summary><span class=pill>{finding.severity}</span><h3>{prose(finding.title)}</h3>"
        f'<span class=sure title="{_SURE[finding.confidence]}">{sure}</span>'
        f"<span class=at>{escape(' · '.join(str(finding.place).split('  ')))}{_more(finding)}</span></summary>"
        f"<div class=inside><p>{prose(finding.message)}</p>"
        + (f"<p class=harm>{prose(finding.harm)}</p>" if finding.harm else "")
        + _places(finding)
        + _evidence(finding)
        + (f"<h4>Ask it yourself</h4><pre class=curl>{escape(curl)}</pre>" if curl else "")
        + _mend(finding, command)
        + _marks(finding)
        + "</div></details>"
    )


def _more(finding: ShownFinding) -> str:
    more = len(finding.places) - 1
    return f" and {more} more" if more else ""


def _places(finding: ShownFinding) -> str:
    if len(finding.places) < 2:
        return ""
    rows: list[str] = []
    for place in finding.places:
        where = f"<b>{escape(f'{place.path}:{place.line}')}</b>" if place.path else ""
        route = f"<span>{escape(f'{place.method} {place.route}')}</span>" if place.route else ""
        rows.append(f"<li>{where}{route}</li>")
    return f"<h4>Places</h4><ul class=places>{''.join(rows)}</ul>"


def prose(said: str) -> str:
    """*said* escaped, with what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(said))


def _evidence(finding: ShownFinding) -> str:
    if not finding.telling:
        return ""
    baselines = _baselines(finding)
    rows: list[str] = []
    for shows_exchange, held in groupby(finding.telling, key=lambda one: one.exchange is not None):
        if shows_exchange:
            pair = (_exchange(one, "Baseline" if one in baselines else "Varied") for one in held)
            rows.append(f"<div class=pair>{''.join(pair)}</div>")
        else:
            rows += (
                f"<pre>{escape(one.text)}</pre>" if one.kind == "source" else f"<p>{prose(one.text)}</p>"
                for one in held
            )
    return f"<h4>Evidence</h4><div class=seen>{''.join(rows)}</div>"


def _baselines(finding: ShownFinding) -> tuple[ShownEvidence, ...]:
    """The exchanges that show honest behaviour: those that a probe calls a control, else the first of several."""
    controls = tuple(one for one in finding.exchanges if _CONTROL.match(one.text))
    return controls or (finding.exchanges[:1] if len(finding.exchanges) > 1 else ())


def _exchange(evidence: ShownEvidence, label: str) -> str:
    exchange = evidence.exchange
    if exchange is None:
        return ""
    who = f" as {exchange.identity}" if exchange.identity else ""
    request = f"<b>{escape(f'{exchange.method} {exchange.target}')}</b>\n" + _headers(exchange.request_headers)
    answer = f"<b>{escape(exchange.result)}</b>\n" + _headers(exchange.response_headers)
    return (
        f"<section class=exchange><p><b>{label}{escape(who)}</b><span>{escape(_CONTROL.sub('', evidence.text))}</span></p>"
        f"<pre>{request.rstrip()}{_body(exchange.request_body)}</pre>"
        f"<pre>{answer.rstrip()}{_body(exchange.response_body)}{' (cut)' if exchange.truncated else ''}</pre></section>"
    )


def _headers(pairs: tuple[tuple[str, str], ...]) -> str:
    return "".join(f"<span class=name>{escape(name)}:</span> {escape(value)}\n" for name, value in pairs)


def _body(body: str) -> str:
    return f"<span class=body>{escape(body)}</span>" if body else ""


def _mend(finding: ShownFinding, command: str) -> str:
    fix = ""
    if finding.fix_safe is not None:
        hint = (
            "safe: stopper check --fix applies it" if finding.fix_safe else "to review: stopper check --diff shows it"
        )
        fix = f"<p>A change is ready ({hint}).</p>"
    diff = f"<h4>Change</h4><pre class=diff>{_diff(finding.fix_diff)}</pre>" if finding.fix_diff else ""
    return (
        f"<div class=mend><p><b>Mend it</b> {prose(finding.mend)}</p><p><b>With Stopper</b> {prose(finding.ends)}.</p>{fix}"
        f"<p>More: <code>stopper rules {escape(finding.rule)}</code></p></div>{diff}"
    )


def _diff(diff: str) -> str:
    shown: list[str] = []
    for line in diff.splitlines():
        name = "add" if line.startswith("+") else "del" if line.startswith("-") else ""
        shown.append(f"<span class={name}>{escape(line)}</span>" if name else escape(line))
    return "\n".join(shown)


def _marks(finding: ShownFinding) -> str:
    marks = [
        ("Rule", finding.rule),
        ("Check", CHECK_NAMES[finding.check]),
        ("CWE", ", ".join(str(number) for number in finding.cwe)),
        ("OWASP", finding.owasp),
        ("ASVS 5.0", ", ".join(finding.asvs)),
        ("PCI DSS 4.0", ", ".join(pci_dss(finding.cwe))),
        ("SOC 2", ", ".join(soc2(finding.cwe))),
        ("Fingerprint", finding.fingerprint[:12]),
    ]
    rows = "".join(f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>" for name, value in marks if value)
    return f"<dl class=marks>{rows}</dl>"
