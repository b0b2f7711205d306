"""The command line's manners: `--root` and `--quiet` count wherever they stand, and an expected error is one line."""

from typing import Any

import typer
from typer.core import TyperGroup

MOVED = {"--root": 1, "--quiet": 0}  # option -> values it takes
HOUSE = {"lake", "models", "assets", "pipelines"}


class Polite(TyperGroup):
    """The group of all commands."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Move the options that concern every command before the command."""
        front, rest, words = [], [], iter(args)
        for word in words:
            if word == "--":
                rest += [word, *words]
            elif word in MOVED:
                front += [word, *(next(words, "") for _ in range(MOVED[word]))]
            else:
                (front if word.startswith("--root=") else rest).append(word)
        return super().parse_args(ctx, front + rest)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; an error of our own was worded for people, any other is a bug and keeps its trace."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            if type(error).__module__.split(".")[0] not in HOUSE:
                raise
            complain(str(error))
            raise typer.Exit(1) from error


class NoLake(FileNotFoundError):
    """A root without a lake."""


def complain(*lines: str) -> None:
    """Say what went wrong, on standard error."""
    for line in lines:
        typer.secho(f"error: {line}", err=True, fg="red")
