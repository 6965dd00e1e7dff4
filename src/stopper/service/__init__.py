"""The ready-made auth server: accounts and tokens over the guard's own parts."""

from stopper.service.accounts import Accounts
from stopper.service.application import create_app
from stopper.service.mounting import mount_accounts
from stopper.service.parts import open_accounts

__all__ = ["Accounts", "create_app", "mount_accounts", "open_accounts"]
