"""An endpoint as a value: what is mounted and what /openapi.json says come from the same list."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from flask import Blueprint, Response

from stopper.auth.policy import Credential, Policy, bearer, policy_of
from stopper.auth.policy_resource import where
from stopper.core.principal import Principal
from stopper.service.body import Field


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one path. ``answers``: the name of the schema of a good answer, or ``""`` for none.

    ``path`` is in OpenAPI style, ``{id}`` for a part that varies; the view finds it in ``request.view_args``.
    ``form``: whether the body is a form (OAuth) and not JSON. ``throttled``: whether it may answer 429. ``stored``: whether it may answer 503 because a store is gone.
    ``binds``: whether a DPoP proof binds the tokens that it gives out.
    """

    name: str
    method: str
    path: str
    summary: str
    policy: Policy | Credential
    view: Callable[[], Response]
    fields: tuple[Field, ...] | None = None
    success: int = 200
    answers: str = ""
    form: bool = False
    throttled: bool = False
    stored: bool = True
    binds: bool = False

    @property
    def guard(self) -> Policy:
        """The policy that stands before it."""
        return policy_of(self.policy)


def mount(blueprint: Blueprint, endpoints: tuple[Endpoint, ...]) -> None:
    """Add every endpoint with its policy."""
    for endpoint in endpoints:
        view = _own(endpoint.view)
        blueprint.add_url_rule(
            _flask_path(endpoint.path), endpoint.name, policy_of(endpoint.policy)(view), methods=[endpoint.method]
        )


def _in_person(principal: Principal, **_: str) -> bool:
    return principal.claims.get("client_id") == FIRST_PARTY


FIRST_PARTY: Final = "first-party"
"""The ``client_id`` of tokens that a person gets with a password, without an OAuth client."""

in_person: Final = bearer & where(_in_person, "in_person")
"""The token of a log-in: one that an API key gave out, or a client has, changes nothing of the account itself."""


def _flask_path(path: str) -> str:
    return path.replace("{", "<").replace("}", ">")


def _own(view: Callable[[], Response]) -> Callable[..., Response]:
    # A function of its own: a bound method cannot carry a policy.
    def answer(**_: str) -> Response:
        return view()

    answer.__name__ = getattr(view, "__name__", "view")
    answer.__doc__ = view.__doc__
    return answer
