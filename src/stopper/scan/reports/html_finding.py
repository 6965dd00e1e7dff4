"""One finding as a card of the HTML report."""

from html import escape

from stopper.scan.reports.shown import CHECK_NAMES, ShownEvidence, ShownExchange, ShownFinding

_SURE = {
    "indicated": "a sign was seen",
    "corroborated": "two readers agree",
    "proven": "a request showed the effect",
    "confirmed": "shown by a request, and the line is known",
}


def card(finding: ShownFinding, is_open: bool, command: str) -> str:
    """The finding as a ``<details>`` element; everything in it is escaped."""
    sure = escape(finding.confidence)
    return (
        f'<details class="finding {finding.severity}" id="f-{finding.fingerprint[:12]}" data-severity="{finding.severity}" '
        f'data-check="{finding.check}"{" open" if is_open else ""}>'
        f"<summary><span class=pill>{finding.severity}</span><h3>{escape(finding.title)}</h3>"
        f'<span class=sure title="{_SURE[finding.confidence]}">{sure}</span>'
        f"<span class=at>{escape(' · '.join(str(finding.place).split('  ')))}{_more(finding)}</span></summary>"
        f"<div class=inside><p>{escape(finding.message)}</p>"
        + (f"<p class=harm>{escape(finding.harm)}</p>" if finding.harm else "")
        + _places(finding)
        + _evidence(finding)
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
    rows = "".join(
        "<li>"
        + escape(f"{place.path}:{place.line}" if place.path else "")
        + (f"<span>{escape(f'{place.method} {place.route}')}</span>" if place.route else "")
        + "</li>"
        for place in finding.places
    )
    return f"<h4>Places</h4><ul class=places>{rows}</ul>"


def _evidence(finding: ShownFinding) -> str:
    if not finding.evidence:
        return ""
    number = 0
    rows: list[str] = []
    for evidence in finding.evidence:
        if evidence.exchange:
            number += 1
            rows.append(
                _exchange(
                    evidence, evidence.exchange, "Baseline" if number == 1 and len(finding.exchanges) > 1 else "Varied"
                )
            )
        elif evidence.kind == "source":
            rows.append(f"<li><pre>{escape(evidence.text)}</pre></li>")
        else:
            rows.append(f"<li>{escape(evidence.text)}</li>")
    return f"<h4>Evidence</h4><ol class=seen>{''.join(rows)}</ol>"


def _exchange(evidence: ShownEvidence, exchange: ShownExchange, label: str) -> str:
    who = f" as {exchange.identity}" if exchange.identity else ""
    request = f"<b>{escape(f'{exchange.method} {exchange.target}')}</b>\n" + _headers(exchange.request_headers)
    answer = f"<b>{escape(exchange.result)}</b>\n" + _headers(exchange.response_headers)
    return (
        f"<li class=exchange><p><b>{label}{escape(who)}</b>{escape(evidence.text)}</p>"
        f"<pre>{request.rstrip()}{_body(exchange.request_body)}</pre>"
        f"<pre>{answer.rstrip()}{_body(exchange.response_body)}{' (cut)' if exchange.truncated else ''}</pre></li>"
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
        f"<div class=mend><p><b>End it</b> {escape(finding.ends)}.</p>{fix}"
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
        ("ASVS", ", ".join(finding.asvs)),
        ("Fingerprint", finding.fingerprint[:12]),
    ]
    rows = "".join(f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>" for name, value in marks if value)
    return f"<dl class=marks>{rows}</dl>"
