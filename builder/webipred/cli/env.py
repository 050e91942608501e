"""webipred-build env: create, list and remove the environments of frameworks."""

from pathlib import Path

import click

from webipred.cli import options
from webipred.cli.output import start_logging
from webipred.environments.environment import NAMES, create_environment, list_environments, remove_environment

NAME = click.argument("name", type=click.Choice(NAMES))


@click.group()
def env() -> None:
    """Manage TensorFlow and PyTorch, which a few formats need.

    They live in virtual environments in the cache folder, never among the tool's own packages.

    \b
    Example: webipred-build env create tensorflow
    """


@env.command()
@NAME
@options.CACHE
def create(name: str, cache_dir: Path) -> None:
    """Create an environment from its lock file; only files with a listed digest are installed."""
    start_logging()
    environment = create_environment(name, cache_dir)
    click.echo(f"{name}: ready in {environment.folder}")


@env.command(name="list")
@options.CACHE
def list_all(cache_dir: Path) -> None:
    """List the environments in the cache."""
    found = list_environments(cache_dir)
    for name, place, complete in found:
        click.echo(f"{name}: {'ready' if complete else 'incomplete'} in {place}")
    if not found:
        click.echo("no environments")


@env.command()
@NAME
@options.CACHE
def remove(name: str, cache_dir: Path) -> None:
    """Remove every environment of a framework, older ones included."""
    for place in remove_environment(name, cache_dir):
        click.echo(f"removed {place}")
