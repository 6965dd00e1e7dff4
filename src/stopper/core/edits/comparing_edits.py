"""The edits that hold a text against another, or against each of several, in a time that says nothing of how much of it is right."""

from stopper.core.fact import Comparison
from stopper.core.rule import Edit


def in_constant_time(compared: Comparison) -> Edit:
    """``hmac.compare_digest`` over the bytes of both sides of ``==`` or ``!=``, which are texts: on None, ``encode()`` would raise."""
    text = "hmac.compare_digest({0}.encode(), {1}.encode())"
    said = text if compared.operator == "==" else f"not {text}"
    return Edit(compared.span, said, safe=True, imports=("hmac",), how="operands")


def each_in_constant_time(compared: Comparison) -> Edit:
    """The same for each of what ``in`` or ``not in`` looks through; to be looked at, because it still holds the secrets as they are."""
    text = "any(hmac.compare_digest(str({0}).encode(), str(one).encode()) for one in {1})"
    said = text if compared.operator == "in" else f"not {text}"
    return Edit(compared.span, said, safe=False, imports=("hmac",), how="operands")
