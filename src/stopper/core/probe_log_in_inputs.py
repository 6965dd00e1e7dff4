"""What a log-in reads, where it turns the scan away: its query decides who somebody is, and nobody need be known to break it."""

from dataclasses import replace

from stopper.core.login_names import PASSWORD, SUBJECT
from stopper.core.probe import Steps, Target, send
from stopper.core.probe_baseline import attempt
from stopper.core.probe_inputs import Input, members
from stopper.core.probe_login import login_requests, login_routes

ROUTES_MOST = 2


def refused_log_ins(target: Target) -> Steps[list[Input]]:
    """The names and passwords of log-ins that refuse an account which nobody has; of others the honest request tells as of any route."""
    found: list[Input] = []
    for route in login_routes(target)[:ROUTES_MOST]:
        asked = target.request_for(route, "POST")
        if not members(asked):
            sent = next(login_requests(target, route, f"nobody-{target.canary}", f"Pass-{target.canary}-9a!"))
            asked = replace(asked, body=sent.body)
        honest = yield from attempt(send(asked))
        if honest is None or honest.response.status not in (401, 403):
            continue
        names = [name for name, value in members(asked).items() if isinstance(value, str)]
        found += [
            Input(route, asked, name, "body", honest) for name in names if SUBJECT.search(name) or PASSWORD.search(name)
        ]
    return found
