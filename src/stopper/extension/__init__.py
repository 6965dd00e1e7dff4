"""Stopper for Flask: reads credentials, guards every route, answers refusals, sets headers, keeps logs clean."""

from stopper.extension.current import current_principal
from stopper.extension.guard import Stopper

__all__ = ["Stopper", "current_principal"]
