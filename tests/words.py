"""Lists of what must have words, for tests and for those who hold the README against them."""

import click
import typer


def commands() -> list[click.Command]:
    """Every command of `crystal-lake`."""
    from pipelines.cli import app

    return list(typer.main.get_command(app).commands.values())
