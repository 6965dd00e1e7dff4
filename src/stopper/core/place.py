"""Where something is: a range of source lines, a route, or both."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A range of source. ``path`` is relative to the scanned root, with ``/``; lines and columns count from 1."""

    path: str
    line: int
    end_line: int
    column: int = 1
    end_column: int = 1

    def holds(self, other: "Span") -> bool:
        """That *other* lies inside this range, or is the same."""
        starts = (self.line, self.column) <= (other.line, other.column)
        return (
            self.path == other.path
            and starts
            and (self.end_line, self.end_column) >= (other.end_line, other.end_column)
        )


@dataclass(frozen=True, slots=True, order=True)
class RouteRef:
    """One method of one route. ``path`` is in OpenAPI style, ``/notes/{note_id}``."""

    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Place:
    """A source range, a route, or both."""

    span: Span | None = None
    route: RouteRef | None = None

    def __str__(self) -> str:
        where = f"{self.span.path}:{self.span.line}" if self.span else ""
        return " ".join(part for part in (where, str(self.route) if self.route else "") if part) or "the application"
