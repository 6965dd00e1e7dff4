"""The values everybody speaks in. Standard library only."""
