"""What Python and widely used libraries say in an exception, as it stands in answers: an application that answers with ``str(error)`` shows it."""

import re
from typing import Final

_QUOTE: Final = r"(?:\\?[\"']|&#3[49];|&quot;|&apos;)"
SAID_OF_AN_EXCEPTION: Final = re.compile(
    rf"Command {_QUOTE}.{{1,300}}?{_QUOTE} (?:returned non-zero exit status|timed out after|died with)|\[Errno \d{{1,3}}\] [A-Z]|"
    rf"{_QUOTE}\w{{1,40}}{_QUOTE} object (?:has no attribute {_QUOTE}|is not (?:subscriptable|iterable|callable)\b)|\w{{1,60}}\(\) (?:missing \d+ required positional argument|got an unexpected keyword argument)|"
    r"Start tag expected, (?:'|&#39;|\\u0027)(?:<|&lt;|\\u003c)|Document is empty, line \d+, column \d+|Opening and ending tag mismatch: |(?:not well-formed \(invalid token\)|no element found|mismatched tag): line \d+, column \d+|"
    rf"invalid literal for int\(\) with base \d+: |could not convert string to float: |unsupported operand type\(s\) for |(?:list|tuple|string) ind(?:ex|ices) (?:out of range|must be integers)|"
    rf"name {_QUOTE}\w{{1,60}}{_QUOTE} is not defined|\(<string>, line \d+\)|invalid load key, |could not find MARK|while (?:parsing a|scanning for the next)\b[^<>]{{0,200}}?{_QUOTE}<\w+ string>",
    re.DOTALL,
)
"""Sentences of CPython 3.11 to 3.14, subprocess, os, lxml, expat, pickle and PyYAML: none of them is written for a caller."""
