"""Which requirements of PCI DSS 4.0 and criteria of SOC 2 a finding speaks against, by its CWE. A CWE without a sure row has none.

The numbers: PCI DSS v4.0 (March 2022); AICPA Trust Services Criteria (2017, points of focus of 2022). A finding says that a control
did not hold at one place. It does not say that a requirement as a whole is not met, and no finding does not say that it is.
"""

from collections.abc import Iterable, Mapping
from typing import Final

_ATTACKS: Final = "6.2.4"
"""Bespoke software withstands injection and attacks on data, cryptography, business logic (XSS, CSRF) and access control."""
_IN_TRANSIT: Final = "4.2.1"
"""Strong cryptography and valid certificates in transmission over open networks."""
_UNREADABLE: Final = "8.3.2"
"""Authentication factors are unreadable in transmission and storage."""
_LOCK_OUT: Final = "8.3.4"
"""Invalid authentication attempts are limited."""
_NOT_IN_SOURCE: Final = "8.6.2"
"""Passwords of application and system accounts stand in no script, configuration or source."""
_PATCHES: Final = "6.3.3"
"""Components are protected from known vulnerabilities by updates."""

PCI_DSS: Final[Mapping[int, tuple[str, ...]]] = {
    **dict.fromkeys(
        (22, 79, 89, 94, 285, 287, 288, 306, 326, 327, 338, 347, 352, 384, 444, 502, 601, 639, 640, 757, 862, 863, 915, 918, 1021, 1333), (_ATTACKS,),
    ),
    **dict.fromkeys((295, 319), (_IN_TRANSIT, _UNREADABLE)),
    **dict.fromkeys((256,), (_UNREADABLE,)),
    916: (_ATTACKS, _UNREADABLE),
    307: (_LOCK_OUT,),
    **dict.fromkeys((321, 798), (_NOT_IN_SOURCE,)),
    1395: (_PATCHES,),
}  # fmt: skip

SOC2: Final[Mapping[int, tuple[str, ...]]] = {
    # CC6.1: logical access to protected information is restricted.
    **dict.fromkeys((256, 285, 287, 288, 306, 307, 321, 347, 384, 522, 613, 620, 639, 640, 798, 862, 863, 915, 916), ("CC6.1",)),
    # CC6.6: threats from outside of the system's boundaries.
    **dict.fromkeys((22, 79, 89, 94, 352, 444, 502, 601, 918, 942, 1021), ("CC6.6",)),
    # CC6.7: information is protected while it is transmitted.
    **dict.fromkeys((295, 319, 614), ("CC6.7",)),
    # CC7.1: changes of configuration and new vulnerabilities are found.
    **dict.fromkeys((489, 1104, 1395), ("CC7.1",)),
}  # fmt: skip


def pci_dss(cwe: Iterable[int]) -> tuple[str, ...]:
    """The requirements of PCI DSS 4.0 for these weaknesses, sorted."""
    return _of(PCI_DSS, cwe)


def soc2(cwe: Iterable[int]) -> tuple[str, ...]:
    """The SOC 2 criteria for these weaknesses, sorted."""
    return _of(SOC2, cwe)


def _of(rows: Mapping[int, tuple[str, ...]], cwe: Iterable[int]) -> tuple[str, ...]:
    return tuple(sorted({one for number in cwe for one in rows.get(number, ())}))
