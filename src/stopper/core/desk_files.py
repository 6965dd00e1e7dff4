"""Files of a project that nobody but their writer starts."""

import re
from typing import Final

FILE_OF_A_DESK: Final = re.compile(
    r"(?i)(?:^|/)(?:debug|profil(?:er|e|ing)(?:_\w+)?|(?:run|app|server)_(?:debug|profil(?:er|e|ing)))\.py$"
)
"""Programs that are started by hand, to look at the inside."""
