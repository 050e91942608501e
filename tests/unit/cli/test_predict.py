"""`predict` on a built site: CSV and JSON, bad files, and what a spreadsheet would run."""

import csv
import io
import json
import re
import subprocess
from pathlib import Path

import pytest

from command_line import run_command
from entries import BLUE, RED, encode_png, make_entry_data
from unit.cli.test_build import build, write_catalog
from webipred.cli.predict import _FORMULA, _QUOTED, render_csv
from webipred.prediction import Prediction
from webipred.site.reading import read_site


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a built site and images, good and bad."""
    path = tmp_path_factory.mktemp("predict")
    write_catalog(path, make_entry_data(path))
    build(path)
    (path / "b.png").write_bytes(encode_png(BLUE, (50, 31)))
    (path / "a.png").write_bytes(encode_png(RED, (7, 90)))
    (path / "=cmd().png").write_bytes(encode_png(RED))
    (path / "broken.png").write_bytes(encode_png(RED)[:60])
    return path


def predict(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_command("predict", "red-or-blue", *arguments, cwd=folder)


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_one_row_an_image_in_the_order_given(folder: Path) -> None:
    rows = read_csv(predict(folder, "b.png", "a.png", "b.png").stdout)
    assert ["b.png", "a.png", "b.png"] == [row["image"] for row in rows]


def test_one_column_a_class_named_after_its_id(folder: Path) -> None:
    assert ["image", "red", "blue"] == list(read_csv(predict(folder, "a.png").stdout)[0])


def test_the_probabilities_tell_red_from_blue(folder: Path) -> None:
    rows = read_csv(predict(folder, "a.png", "b.png").stdout)
    assert [True, False] == [float(row["red"]) > 0.5 for row in rows]


def test_a_bad_file_is_an_empty_row_and_the_batch_goes_on(folder: Path) -> None:
    result = predict(folder, "broken.png", "a.png")
    rows = read_csv(result.stdout)
    assert [("", True), (rows[1]["red"], False)] == [(row["red"], row["blue"] == "") for row in rows]
    assert 1 == result.returncode


def test_the_message_of_a_bad_file_does_not_name_it(folder: Path) -> None:
    errors = predict(folder, "a.png", "broken.png").stderr
    assert "image 2:" in errors
    assert "broken" not in errors


def test_a_missing_file_is_told_like_a_bad_one(folder: Path) -> None:
    result = predict(folder, "gone.png")
    assert 1 == result.returncode
    assert "E-IMAGE-READ" in result.stderr


def test_a_name_that_is_a_formula_is_disarmed(folder: Path) -> None:
    assert "'=cmd().png" == read_csv(predict(folder, "=cmd().png").stdout)[0]["image"]


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("a.png", "a.png"),
        ("-1.png", "'-1.png"),
        (" =1.png", "' =1.png"),
        ("\u00a0\ufeff+1.png", "'\u00a0\ufeff+1.png"),
        ("＝1.png", "'＝1.png"),
        ("＠1.png", "'＠1.png"),
        ("\ta.png", '"\'\ta.png"'),
        ("\na.png", '"\'\na.png"'),
        ("\n@a.png", '"\'\n@a.png"'),
        ("a;=1.png", '"a;=1.png"'),
        ('a",b.png', '"a"",b.png"'),
        ("a-b.png", "a-b.png"),
        (" a.png", " a.png"),
    ],
)
def test_a_name_is_text_for_every_spreadsheet(folder: Path, name: str, cell: str) -> None:
    manifest = read_site(folder / "dist").manifest.models[0]
    row = Prediction(image=name, probabilities=(0.25, 0.75), decision=(), finding=None)
    assert f"image,red,blue\r\n{cell},0.2500000,0.7500000\r\n" == render_csv(manifest, [row])


def test_the_page_disarms_and_quotes_by_the_same_rules(repository: Path) -> None:
    source = (repository / "site_templates/app/vault/csv.ts").read_text(encoding="utf-8")
    rules = [re.sub(r"\\u([0-9a-f]{4})", _spell, rule) for rule in re.findall(r"return /(.+)/\.test\(text\)", source)]
    assert [re.sub(r"\\u([0-9a-f]{4})", _spell, rule.pattern) for rule in (_FORMULA, _QUOTED)] == rules


def _spell(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16))


def test_json_carries_the_digests_and_full_precision(folder: Path) -> None:
    answer = json.loads(predict(folder, "a.png", "--format", "json").stdout)
    assert ["red"] == answer["rows"][0]["decision"]
    assert {"id", "version", "weights_sha256", "preprocessing_sha256"} == set(answer["model"])


def test_an_unknown_model_names_those_of_the_site(folder: Path) -> None:
    result = run_command("predict", "green", "a.png", cwd=folder)
    assert 2 == result.returncode
    assert "it has red-or-blue" in result.stderr


def test_a_changed_file_of_the_site_is_refused(folder: Path, tmp_path: Path) -> None:
    build(folder, "--out", str(tmp_path / "dist"))
    weights = next((tmp_path / "dist/assets").glob("*.plan"))
    data = weights.read_bytes()
    weights.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    result = predict(folder, "a.png", "--out", str(tmp_path / "dist"))
    assert 1 == result.returncode
    assert "" == result.stdout
