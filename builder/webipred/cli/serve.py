"""webipred-build serve: look at a built site on this machine."""

from pathlib import Path

import click

from webipred.cli import options
from webipred.site.preview import read_folder_policy, serve_site


@click.command()
@options.OUT
@click.option("--host", default="127.0.0.1", show_default=True, envvar="WEBIPRED_HOST", help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    envvar="WEBIPRED_PORT",
    help="Port; 0: any.",
)
@click.option(
    "--prefix",
    default="/",
    show_default=True,
    envvar="WEBIPRED_PREFIX",
    help="Path that the site stands below, as on GitHub Pages.",
)
@click.option(
    "--headers/--no-headers",
    default=True,
    show_default=True,
    envvar="WEBIPRED_HEADERS",
    help="Send what the configurations in policies/ send; without: no header at all, as on GitHub Pages.",
)
def serve(out: Path, host: str, port: int, prefix: str, headers: bool) -> None:
    """Serve the built site on this machine, until Ctrl-C.

    \b
    Example: webipred-build serve --out dist --port 8080
    """
    server = serve_site(out, host, port, prefix, policy=read_folder_policy(out) if headers else None)
    click.echo(f"http://{host}:{server.server_port}/{prefix.strip('/')}  (Ctrl-C to stop)")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        click.echo("stopped")
    finally:
        server.server_close()
