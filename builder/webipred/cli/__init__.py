"""The command line: one click command per file; the only code that prints, exits or reads the environment."""

import sys

import click

import webipred
from webipred.cli.add import add
from webipred.cli.bench import bench
from webipred.cli.build import build
from webipred.cli.bundle import bundle
from webipred.cli.check import check
from webipred.cli.env import env
from webipred.cli.lock import lock
from webipred.cli.predict import predict
from webipred.cli.serve import serve
from webipred.cli.verify import verify
from webipred.errors import WebipredError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(webipred.__version__, prog_name="webipred-build")
def cli() -> None:
    """Publish medical image classifiers as a static website that predicts in the browser.

    Exit codes: 0 ok, 1 findings, 2 usage, 3 network (every error is about the way to a server).
    """


for command in (add, bench, build, bundle, check, env, lock, predict, serve, verify):
    cli.add_command(command)


def main() -> None:
    """Run the command line; every webipred error becomes its sentence and its exit code."""
    try:
        code = cli.main(prog_name="webipred-build", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except click.Abort:
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except WebipredError as error:
        click.echo(str(error), err=True)
        sys.exit(error.exit_code)
    sys.exit(code if isinstance(code, int) else 0)  # click returns the code of an Exit that a command raised
