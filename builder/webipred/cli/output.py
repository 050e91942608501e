"""What the commands print: findings on stderr, progress as bars on a terminal and as lines in a log."""

import logging
import sys
from collections.abc import Iterable

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

from webipred.errors import FindingsError
from webipred.findings import Finding, has_errors

_COLOURS = {"error": "red", "warning": "yellow", "note": "cyan"}


def start_logging() -> None:
    """Send warnings of the library to stderr, one line each."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)


def print_findings(findings: Iterable[Finding]) -> None:
    """Print one line a finding to stderr."""
    for finding in findings:
        click.echo(f"{click.style(finding.severity, fg=_COLOURS[finding.severity])}: {finding}", err=True)


def fail_on(findings: Iterable[Finding], *, strict: bool) -> None:
    """Raise FindingsError, already printed, if the findings must stop the command."""
    collected = tuple(findings)
    if has_errors(collected) or (strict and any(finding.severity == "warning" for finding in collected)):
        raise click.exceptions.Exit(FindingsError.exit_code)


class ConsoleProgress:
    """Download progress: a bar on a terminal, one line per finished download elsewhere."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=self._console,
        )
        self._task: TaskID | None = None
        self._what = ""

    def start(self, what: str, total_bytes: int | None) -> None:
        self._what = what
        if self._console.is_terminal:
            self._bars.start()
            self._task = self._bars.add_task(what, total=total_bytes)

    def advance(self, size_bytes: int) -> None:
        if self._task is not None:
            self._bars.advance(self._task, size_bytes)

    def finish(self) -> None:
        if self._task is not None:
            self._bars.stop()
            self._task = None
        else:
            click.echo(f"fetched {self._what}", err=True)
