"""Whether a pattern of origins lets in more than its author meant: tried, not read."""

import re
from typing import Final

_DOMAIN: Final = re.compile(r"(?:[a-z0-9-]+(?:\\?\.))+[a-z]{2,}", re.IGNORECASE)
_WILD: Final = re.compile(r"^\^?(?:\*|\.[*+]|\(\.[*+]\)|https?\??:(?://|\\/\\/)\.[*+])\$?$")


def strangers(pattern: str) -> tuple[str, ...]:
    """Origins that somebody else can own and that resemble the ones a *pattern* names."""
    found = [one.group().replace("\\", "") for one in _DOMAIN.finditer(pattern)]
    if not found:
        return ()
    domain = max(found, key=len).lower().lstrip(".")
    label = domain.partition(".")[0]
    made = [
        f"evil{domain}",
        f"evil-{domain}",
        f"{domain}.evil.test",
        f"app.{domain}.evil.test",
        f"www.{domain}.evil.test",
    ]
    made.append(f"{label}x{domain.partition('.')[2]}") if domain.count(".") > 1 else None
    made.append(f"evilx{domain}")
    return tuple(f"{scheme}://{host}" for host in made for scheme in ("https", "http"))


def admitted(pattern: str, whole: bool = False) -> str | None:
    """The first stranger that the *pattern* lets in, as ``re.match`` (or ``re.fullmatch``) sees it; None where it holds."""
    if len(pattern) > 300 or _WILD.match(pattern):
        return None
    try:
        known = re.compile(pattern, re.IGNORECASE)
    except re.error:
        return None
    matches = known.fullmatch if whole else known.match
    return next((one for one in strangers(pattern) if matches(one)), None)
