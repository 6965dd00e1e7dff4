"""Settings and variables that hold the address of a server, in which a password most often stands: ``DATABASE_URL``."""

import re
from typing import Final

from stopper.core.values import ConfigValue, EnvironmentValue, Value

_ADDRESS: Final = re.compile(
    r"(?i)(?:database|db|postgres\w*|mysql|maria_?db|mongo\w*|redis|amqp|rabbit\w*|(?:celery_)?broker)_?(?:ur[il]|dsn)$"
)


def is_server_address(value: Value) -> bool:
    """``os.environ["DATABASE_URL"]``, ``app.config["SQLALCHEMY_DATABASE_URI"]``"""
    name = (
        value.variable if isinstance(value, EnvironmentValue) else value.key if isinstance(value, ConfigValue) else ""
    )
    return _ADDRESS.search(name) is not None
