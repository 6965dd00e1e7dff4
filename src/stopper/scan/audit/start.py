"""Where the child of an audit begins: patterns are compiled when they are first asked, which is a third of what it costs to start."""

from stopper.core.later_pattern import patterns_later


def main() -> None:
    """Bring in what an audit needs, and do what the parent asks."""
    with patterns_later():
        from stopper.scan.audit import child
    child.main()


if __name__ == "__main__":
    main()
