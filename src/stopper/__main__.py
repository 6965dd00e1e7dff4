"""`python -m stopper` is the `stopper` command."""

from stopper.cli import main

main()
