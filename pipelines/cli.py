"""The command line, `crystal-lake`: the app with all its commands, by family, in the order of its help."""

from pipelines.command_line import app
from pipelines.commands import (
    asking,
    building,
    comparing,
    crawling,
    features,
    keeping,
    labelling,
    looking,
    sharing,
    starting,
    transferring,
)

__all__ = ["app"]
FAMILIES = {
    "Begin": starting,
    "Crawl": crawling,
    "Add your own": labelling,
    "Add vectors": features,
    "Build": building,
    "Map what helps what": transferring,
    "Ask": asking,
    "Look at one material": looking,
    "Compare crystals": comparing,
    "Keep": keeping,
    "Share": sharing,
}
NAMES = [module.__name__ for module in FAMILIES.values()]

for command in app.registered_commands:
    command.rich_help_panel = list(FAMILIES)[NAMES.index(command.callback.__module__)]
app.registered_commands.sort(key=lambda command: NAMES.index(command.callback.__module__))

if __name__ == "__main__":
    app()
