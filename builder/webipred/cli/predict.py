"""webipred-build predict: the bundle of a built site, in Python; the same numbers as in the browser."""

import json
import re
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from webipred.cli import options
from webipred.cli.output import print_findings
from webipred.errors import FindingsError
from webipred.prediction import Prediction, Predictor
from webipred.site.manifest import BundleManifest
from webipred.site.reading import read_site

_FORMULA: Final = re.compile(r"^[\s\ufeff]*[=+\-@＝＋－＠]|^[\t\r\n]")
_QUOTED: Final = re.compile(r'[",;\t\r\n]')


@click.command()
@click.argument("model_id", metavar="ID")
@click.argument("images", metavar="IMAGE…", nargs=-1, required=True, type=click.Path(path_type=Path))
@options.OUT
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "json"]),
    default="csv",
    show_default=True,
    envvar="WEBIPRED_FORMAT",
    help="What to print.",
)
def predict(model_id: str, images: tuple[Path, ...], out: Path, form: str) -> None:
    """Predict images with a published model: one row an image, one column of probabilities a class.

    Files that cannot be used give an empty row and a sentence on stderr; the exit code is then 1.

    \b
    Example: webipred-build predict malaria-thin-smear cell1.png cell2.png
    """
    predictor = Predictor(read_site(out), model_id)
    predictions = [predictor.predict(path) for path in images]
    render = render_csv if form == "csv" else render_json
    sys.stdout.write(render(predictor.manifest, predictions))
    failed = [prediction for prediction in predictions if prediction.finding is not None]
    for number, prediction in enumerate(predictions, start=1):
        if prediction.finding is not None:
            print_findings([replace(prediction.finding, where=f"image {number}")])
    if failed:
        raise click.exceptions.Exit(FindingsError.exit_code)


def render_csv(manifest: BundleManifest, predictions: Iterable[Prediction]) -> str:
    """Return RFC 4180 text: a header, then image name and probabilities with seven decimals."""
    rows = [["image", *(_quote(_disarm(c.id)) for c in manifest.classes)]]
    for prediction in predictions:
        values = [f"{value:.7f}" for value in prediction.probabilities or ()]
        rows.append([_quote(_disarm(prediction.image)), *(values or [""] * len(manifest.classes))])
    return "".join(",".join(row) + "\r\n" for row in rows)


def _disarm(text: str) -> str:
    """Put an apostrophe before text that a spreadsheet would run as a formula, also after blanks or in full width."""
    return f"'{text}" if _FORMULA.search(text) else text


def _quote(text: str) -> str:
    """Quote where RFC 4180 asks for it, and what else separates cells in some settings."""
    return '"{}"'.format(text.replace('"', '""')) if _QUOTED.search(text) else text


def render_json(manifest: BundleManifest, predictions: Iterable[Prediction]) -> str:
    """Return one JSON object: the model with its digests, then a row per image with full precision."""
    ids = [c.id for c in manifest.classes]
    rows = [
        {
            "image": prediction.image,
            "probabilities": dict(zip(ids, prediction.probabilities or (), strict=False)) or None,
            "decision": list(prediction.decision),
            "error": str(prediction.finding) if prediction.finding else None,
        }
        for prediction in predictions
    ]
    model = {
        "id": manifest.id,
        "version": manifest.version,
        "weights_sha256": manifest.weights.sha256,
        "preprocessing_sha256": manifest.preprocessing.sha256,
    }
    return json.dumps({"model": model, "rows": rows}, indent=2, ensure_ascii=False) + "\n"
