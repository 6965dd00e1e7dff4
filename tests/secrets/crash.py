"""What a crash reporter sends: every frame below the tests with its locals, of causes and contexts too."""

import traceback
from pathlib import Path

TESTS = str(Path(__file__).resolve().parent.parent)


def with_locals(wrong: BaseException) -> str:
    """All that a reporter could collect from *wrong*, without the frames of the tests themselves."""
    shown: list[str] = []
    seen: set[int] = set()
    left: list[BaseException | None] = [wrong]
    while left:
        one = left.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        left += [one.__cause__, one.__context__]
        shown.append(f"{one!r} {one} {one.__dict__}")
        for frame, _ in traceback.walk_tb(one.__traceback__):
            if not frame.f_code.co_filename.startswith(TESTS):
                shown.append(f"{frame.f_code.co_qualname}: {frame.f_locals!r}")
    return "\n".join(shown)
