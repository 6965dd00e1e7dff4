"""The `stopper` command and the `flask stopper` commands."""
