"""Templates of which no page is made: words for a model, a mail in plain text, a file of settings."""

import re
from typing import Final

from stopper.core.values import Value, text_of, walk

_NO_MARKUP: Final = re.compile(r"(?i)prompt|\.(?:txt|md|sql|ya?ml|toml|conf|cfg|ini|json|sh)(?:\.j(?:inja)?2?)?$")


def makes_no_page(template: Value | None) -> bool:
    """By what the template, or the file that it was read from, is called."""
    return template is not None and any(_NO_MARKUP.search(text_of(part) or part.name) for part in walk(template, 6))
