"""``runctl fortune``."""

import click

MAXIMS = (
    "A checkpoint that nobody loaded is a rumour.",
    "The meter runs while you sleep.",
    "Unknown is not no.",
)


@click.command("fortune")
@click.option("--number", type=click.IntRange(0, len(MAXIMS) - 1), default=0, show_default=True)
def fortune(number: int) -> None:
    """Print a maxim about training."""
    click.echo(MAXIMS[number])
