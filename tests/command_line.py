"""Running webipred-build as a person does, as a process of its own, or quicker, inside the test."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from click.testing import CliRunner, Result

from webipred.cli import cli


def run_command(
    *arguments: str | Path, cwd: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `webipred-build ARGUMENTS…` in `cwd` and return its exit code and output."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WEBIPRED_")}
    return subprocess.run(
        [sys.executable, "-c", "from webipred.cli import main; main()", *map(str, arguments)],
        cwd=cwd,
        env={**kept, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def run_inside(*arguments: str | Path) -> Result:
    """Run `webipred-build ARGUMENTS…` without a process; errors that `main` would print are `exception`."""
    kept: dict[str, str | None] = {name: None for name in os.environ if name.startswith("WEBIPRED_")}
    return CliRunner().invoke(cli, [str(argument) for argument in arguments], env=kept)
