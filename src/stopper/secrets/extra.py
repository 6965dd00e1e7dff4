"""Libraries of the clouds: imported when they are needed, and kept from writing secrets into a log."""

import importlib
import logging
from typing import Any

from stopper.secrets.errors import FetchError


def library(module: str, extra: str) -> Any:
    """The module of that name. Raises FetchError with what to install where its extra is missing."""
    try:
        return importlib.import_module(module)
    except ImportError:
        found = module.partition(".")[0]
    raise FetchError("extra", f"{found} is not installed; type: pip install 'stopper[{extra}]'")


def hold_at_info(*names: str) -> None:
    """Loggers that write requests or answers in clear at DEBUG: held at INFO, whatever the root logger says.

    The redactor cannot help there: the secret is written before anybody knows that it is one.
    """
    for name in names:
        logger = logging.getLogger(name)
        if logger.level < logging.INFO:
            logger.setLevel(logging.INFO)
