"""What is sent to see whether a text is run: sums in the languages of templates, shells and Python, with what only the one who runs them answers."""

from typing import Final

LEFT: Final = 7919
RIGHT: Final = 6007
PRODUCT: Final = str(LEFT * RIGHT)
"""Nothing writes this number by itself."""


def payloads(canary: str) -> tuple[tuple[str, str, str], ...]:
    """What is sent, the harmless likeness of it, and what only the one who runs it answers with. The first is for a template and a
    shell in one: each takes the other's part for plain text. A shell works ``$((…))`` out wherever it stands."""
    sum_of = f"{LEFT}*{RIGHT}"
    shell = f";echo {canary}$(({sum_of})) #"  # what stands behind it on the line, a pipe to a filter, is not run
    return (
        (
            f"{canary}{{{{{sum_of}}}}}{shell}",
            f"{canary}[[{sum_of}]]{shell.replace(';', ',').replace('$', 'S')}",
            canary + PRODUCT,
        ),
        (f"chr(115)+chr(116)+str({sum_of})", f"chr[115]+str[{sum_of}]", "st" + PRODUCT),
        (f"{canary}${{{sum_of}}}<%= {sum_of} %>", f"{canary}{sum_of}", canary + PRODUCT),
        (f"'st'+'%s'%({sum_of})", f"'st','%s',({sum_of})", "st" + PRODUCT),  # where no function is known by its name
    )


OF_A_PROGRAM: Final = (f"expr {LEFT * RIGHT - LEFT} + {LEFT}", f"exbr {LEFT * RIGHT - LEFT} + {LEFT}")
"""A program and its arguments, for a view that runs what it is told without a shell, and its likeness that names no program."""
