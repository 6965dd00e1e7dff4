"""`python -m stopper.cli` is the `stopper` command."""

from stopper.cli import main

main()
