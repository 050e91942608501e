"""Options that several commands share; every flag has a twin WEBIPRED_… in the environment."""

from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import click
import platformdirs

P = ParamSpec("P")
R = TypeVar("R")
Decorator = Callable[[Callable[P, R]], Callable[P, R]]


def catalog_option() -> Decorator[P, R]:
    """--catalog: the catalog file."""
    return click.option(
        "--catalog",
        "catalog_path",
        type=click.Path(dir_okay=False, path_type=Path),
        default=Path("model_catalog.yaml"),
        show_default=True,
        envvar="WEBIPRED_CATALOG",
        help="Catalog file; the lock stands beside it.",
    )


def out_option(purpose: str) -> Decorator[P, R]:
    """--out: the folder of the site."""
    return click.option(
        "--out",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path("dist"),
        show_default=True,
        envvar="WEBIPRED_OUT",
        help=purpose,
    )


def only_option() -> Decorator[P, R]:
    """--only: entries by id, several times."""
    return click.option(
        "--only", multiple=True, metavar="ID", envvar="WEBIPRED_ONLY", help="Only this entry; may be repeated."
    )


def strict_option() -> Decorator[P, R]:
    """--strict: warnings count as errors."""
    return click.option("--strict", is_flag=True, envvar="WEBIPRED_STRICT", help="Warnings are errors.")


def offline_option() -> Decorator[P, R]:
    """--offline: lock and cache only."""
    return click.option(
        "--offline", is_flag=True, envvar="WEBIPRED_OFFLINE", help="Open no socket: use lock and cache only."
    )


def cache_option() -> Decorator[P, R]:
    """--cache-dir: where downloads are kept."""
    return click.option(
        "--cache-dir",
        type=click.Path(file_okay=False, path_type=Path),
        default=lambda: Path(platformdirs.user_cache_dir("webipred")),
        show_default="the user's cache folder",
        envvar="WEBIPRED_CACHE_DIR",
        help="Where verified downloads are kept.",
    )


def report_option() -> Decorator[P, R]:
    """--report: where the findings are written."""
    return click.option(
        "--report",
        "report_path",
        type=click.Path(dir_okay=False, path_type=Path),
        envvar="WEBIPRED_REPORT",
        help="Also write the report to FILE.json, FILE.md or FILE.html.",
    )


def zenodo_option() -> Decorator[P, R]:
    """--zenodo: another server that speaks Zenodo's interface."""
    return click.option(
        "--zenodo",
        default="https://zenodo.org",
        show_default=True,
        envvar="WEBIPRED_ZENODO",
        help="Base address of Zenodo or of a mirror with the same interface.",
    )
