"""The docs: they name what there is, and what they ask a reader to type works."""

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text()
DOCS = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md")), REPOSITORY / "CONTRIBUTING.md"]


def test_readme_names_every_command_and_no_other():
    from pipelines.cli import app

    commands = {command.name or command.callback.__name__ for command in app.registered_commands}
    named = set(re.findall(r"crystal-lake(?: --root \S+)? ([a-z]+)", README))
    assert commands <= named, f"README does not name {commands - named}"
    assert named <= commands, f"README names {named - commands}, which is no command"


def test_readme_names_every_table():
    from lake.tables import TABLES

    assert [name for name in TABLES if f"`{name}`" not in README] == []


def test_readmes_first_screen_has_the_two_commands_a_picture_and_a_query():
    first = README[: README.index("## The house")]
    assert "make demo" in first and "make ui" in first and "![" in first and "select" in first
    assert len(first.splitlines()) < 40


@pytest.mark.parametrize("page", DOCS, ids=[str(d.relative_to(REPOSITORY)) for d in DOCS])
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        assert target.startswith("http") or (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", DOCS, ids=[str(d.relative_to(REPOSITORY)) for d in DOCS])
def test_paths_the_docs_speak_of_exist(page):
    for path in re.findall(r"`((?:lake|models|assets|pipelines|tests|docs)/[\w/]+\.\w+)`", page.read_text()):
        assert (REPOSITORY / path).exists(), f"{page.name} speaks of {path}"
