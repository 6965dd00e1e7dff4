"""`python -m stopper` is the `stopper` command."""

from stopper.cli import main

if __name__ == "__main__":
    main()
