"""`stopper demo`: the leaky and the sealed API scanned side by side."""

import click


@click.command("demo", short_help="See a leaky and a sealed API scanned side by side.")
@click.option(
    "--port", type=click.IntRange(1, 65533), default=8000, show_default=True, help="The first of three ports."
)
@click.option("--stay", is_flag=True, help="Leave the servers up until Ctrl-C.")
@click.option("--traceback", is_flag=True, help="Show where an error inside Stopper came from.")
def command(port: int, stay: bool, traceback: bool) -> int:
    """Start the auth service, a leaky and a sealed API on 127.0.0.1, scan both, and print the two grades."""
    from stopper.demo.run import main

    return main(port=port, stay=stay)
