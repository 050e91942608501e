"""docs/commands.md is what the commands say of themselves."""

from pathlib import Path

from webipred.cli import cli
from webipred.cli.reference import render_commands

DOCS = Path(__file__).parents[3] / "docs/commands.md"


def test_the_command_reference_is_up_to_date() -> None:
    assert render_commands(cli) == DOCS.read_text(encoding="utf-8")


def test_every_flag_has_a_twin_in_the_environment() -> None:
    without = [
        f"{name} {option.name}"
        for name, command in cli.commands.items()
        for option in command.params
        if option.param_type_name == "option" and not option.envvar
    ]
    assert [] == without
