"""Calls to other services that cannot leak the credential they carry. Nothing of Flask is needed.

>>> from stopper.outbound import Client, Credential, Secret
>>> payments = Client(Credential(Secret("sk_live_…"), hosts=["api.payments.example"], paths=["/v1/charges/*"]))
"""

from stopper.core.secret import Secret
from stopper.outbound.client import Client
from stopper.outbound.credential import Credential
from stopper.outbound.errors import (
    CallRefusedError,
    OutboundError,
    RedirectRefusedError,
    ReplyRefusedError,
    UpstreamStatusError,
    UpstreamTimeoutError,
    UpstreamUnreachableError,
    WebhookRefusedError,
)
from stopper.outbound.limits import Limits
from stopper.outbound.network import Network
from stopper.outbound.reply import Reply

__all__ = [
    "CallRefusedError",
    "Client",
    "Credential",
    "Limits",
    "Network",
    "OutboundError",
    "RedirectRefusedError",
    "Reply",
    "ReplyRefusedError",
    "Secret",
    "UpstreamStatusError",
    "UpstreamTimeoutError",
    "UpstreamUnreachableError",
    "WebhookRefusedError",
]
