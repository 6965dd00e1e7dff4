"""What an answer says that somebody is or may do, and whether it is what was wished for."""

from typing import cast

from stopper.core.exchange import Exchange
from stopper.core.naming import as_parameter
from stopper.core.probe import Target
from stopper.core.probing.accounts.login import token_in


def holds(value: object, name: str, wanted: object, depth: int = 3) -> bool:
    """Whether the JSON value has a member of that name, in any spelling, with the value that was wanted."""
    if isinstance(value, dict) and depth:
        said = cast("dict[str, object]", value)
        return any(
            (as_parameter(key) == as_parameter(name) and _is_as_wanted(inner, wanted))
            or holds(inner, name, wanted, depth - 1)
            for key, inner in said.items()
        )
    return False


def _is_as_wanted(said: object, wanted: object) -> bool:
    """The same value of the same type; a yes that a database keeps as 1 is one too."""
    return said == wanted and (type(said) is type(wanted) or (wanted is True and isinstance(said, int)))


def taken_up(wishes: dict[str, object], honest: object, eager: object) -> list[str]:
    """What only the eager account has as it was wished for."""
    return [name for name, said in wishes.items() if holds(eager, name, said) and not holds(honest, name, said)]


def entitled(target: Target, let_in: Exchange) -> object:
    """What the answer to a log-in says, and what the token in it does."""
    return {"answer": let_in.response.json(), "claims": target.forge.claims(token_in(let_in.response) or "")}
