"""What the commands print: findings on stderr, progress as bars on a terminal and as lines in a log."""

import logging
import sys
import threading
from collections.abc import Iterable

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

from webipred.errors import FindingsError, NetworkError
from webipred.findings import Finding
from webipred.progress import Transfer
from webipred.sources.connection import NETWORK_CODES

_COLOURS = {"error": "red", "warning": "yellow", "note": "cyan"}


def start_logging() -> None:
    """Send warnings of the library to stderr, one line each."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)


def print_findings(findings: Iterable[Finding]) -> None:
    """Print one line a finding to stderr."""
    for finding in findings:
        click.echo(f"{click.style(finding.severity, fg=_COLOURS[finding.severity])}: {finding}", err=True)


def judge_exit(findings: Iterable[Finding], *, strict: bool) -> int:
    """Return the exit code that printed findings lead to: 0, 1, or 3 if all that counts are about the network."""
    severities = ("error", "warning") if strict else ("error",)
    counting = [finding for finding in findings if finding.severity in severities]
    if not counting:
        return 0
    if all(finding.code in NETWORK_CODES for finding in counting):
        return NetworkError.exit_code
    return FindingsError.exit_code


def exit_for(findings: Iterable[Finding], *, strict: bool) -> None:
    """End the command if printed findings must stop it."""
    code = judge_exit(findings, strict=strict)
    if code:
        raise click.exceptions.Exit(code)


class ConsoleProgress:
    """Download progress: a bar per download on a terminal, one line per ended download elsewhere."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=self._console,
        )
        self._lock = threading.Lock()
        self._running = 0

    def start(self, what: str, total_bytes: int | None) -> Transfer:
        """Begin a transfer with a bar or a line of its own."""
        if not self._console.is_terminal:
            return _LoggedTransfer(what)
        with self._lock:
            self._running += 1
            self._bars.start()
        return _BarTransfer(self, self._bars, self._bars.add_task(what, total=total_bytes))

    def end(self) -> None:
        """Count a transfer as ended; the last one gives the terminal back."""
        with self._lock:
            self._running -= 1
            if not self._running:
                self._bars.stop()


class _LoggedTransfer:
    def __init__(self, what: str) -> None:
        self._what = what

    def reach(self, size_bytes: int) -> None:
        """Say nothing; a log is no place for every piece."""

    def finish(self, *, complete: bool) -> None:
        click.echo(f"{'fetched' if complete else 'could not fetch'} {self._what}", err=True)


class _BarTransfer:
    def __init__(self, progress: ConsoleProgress, bars: Progress, task: TaskID) -> None:
        self._progress = progress
        self._bars = bars
        self._task = task

    def reach(self, size_bytes: int) -> None:
        self._bars.update(self._task, completed=size_bytes)

    def finish(self, *, complete: bool) -> None:
        if not complete:
            self._bars.remove_task(self._task)  # the finding that follows says why
        self._progress.end()
