"""Options that several commands share; every flag has a twin WEBIPRED_… in the environment."""

from pathlib import Path

import click
import platformdirs

from webipred.cli.reports import judge_report_path

CATALOG = click.option(
    "--catalog",
    "catalog_path",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("model_catalog.yaml"),
    show_default=True,
    envvar="WEBIPRED_CATALOG",
    help="Catalog file; the lock stands beside it.",
)

OUT = click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("dist"),
    show_default=True,
    envvar="WEBIPRED_OUT",
    help="Folder of the site; `build` replaces it as a whole.",
)

ONLY = click.option(
    "--only", multiple=True, metavar="ID", envvar="WEBIPRED_ONLY", help="Only this entry; may be repeated."
)

STRICT = click.option("--strict", is_flag=True, envvar="WEBIPRED_STRICT", help="Warnings are errors.")

OFFLINE = click.option(
    "--offline", is_flag=True, envvar="WEBIPRED_OFFLINE", help="Open no socket: use lock and cache only."
)

CACHE = click.option(
    "--cache-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=lambda: Path(platformdirs.user_cache_dir("webipred")),
    show_default="the user's cache folder",
    envvar="WEBIPRED_CACHE_DIR",
    help="Where verified downloads are kept.",
)

REPORT = click.option(
    "--report",
    "report_path",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=judge_report_path,
    envvar="WEBIPRED_REPORT",
    help="Also write the report to FILE.json, FILE.md or FILE.html.",
)

ZENODO = click.option(
    "--zenodo",
    default="https://zenodo.org",
    show_default=True,
    envvar="WEBIPRED_ZENODO",
    help="Base address of Zenodo or of a mirror with the same interface.",
)

NO_JAIL = click.option(
    "--no-jail",
    is_flag=True,
    envvar="WEBIPRED_NO_JAIL",
    help="Convert without the jail, where the system has none; the report of every model says so.",
)
