"""What one pass over the source knows, in the form that rules ask for it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """Facts of every scanned file."""
