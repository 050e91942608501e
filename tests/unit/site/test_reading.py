import json
from pathlib import Path

import pytest

import bundles
from tiny_models import make_colour_model
from webipred.engine.compiler.compilation import compile_network
from webipred.errors import FindingsError
from webipred.site.assembly import assemble_site
from webipred.site.manifest import FileRef
from webipred.site.reading import read_site
from webipred.site.writing import write_site


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    catalog = bundles.make_catalog()
    site = assemble_site(catalog, bundles.make_bundles(catalog), [], bundles.make_assets().__getitem__)
    write_site(site, tmp_path / "dist")
    return tmp_path / "dist"


def test_a_built_site_is_read_back(folder: Path) -> None:
    built = read_site(folder)
    assert ["red-or-blue", "chest-findings"] == [model.id for model in built.manifest.models]
    assert compile_network(make_colour_model().data).data == built.read_weights(built.manifest.models[0])
    assert make_colour_model().data == built.read_weights(built.manifest.models[1])


def test_a_folder_without_a_site_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(FindingsError, match=r"there is no built site here .*Run `webipred-build build` first"):
        read_site(tmp_path)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format_version": 2}'])
def test_a_manifest_that_is_not_ours_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(FindingsError, match="is not a manifest that this version reads"):
        read_site(tmp_path)


def test_parts_that_do_not_join_to_the_weights_are_refused(folder: Path) -> None:
    built = read_site(folder)
    model = built.manifest.models[0]
    doubled = model.model_copy(update={"weights_parts": [*model.weights_parts, *model.weights_parts]})
    with pytest.raises(FindingsError, match=rf"joined weights have sha256 .* expected {model.weights.sha256}"):
        built.read_weights(doubled)


def test_a_changed_byte_is_refused_with_both_digests(folder: Path) -> None:
    built = read_site(folder)
    weights = built.manifest.models[0].weights_parts[0]
    file = folder / weights.path
    data = file.read_bytes()
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(FindingsError, match=rf"sha256 [0-9a-f]{{64}}, expected {weights.sha256}"):
        built.read_file(weights)


def test_a_missing_file_is_refused(folder: Path) -> None:
    built = read_site(folder)
    (folder / built.manifest.engine.preprocess.path).unlink()
    with pytest.raises(FindingsError, match=r"cannot be read .*webipred-build build"):
        built.read_file(built.manifest.engine.preprocess)


@pytest.mark.parametrize("path", ["../secret", "/etc/hostname"])
def test_a_manifest_cannot_lead_out_of_its_folder(folder: Path, path: str) -> None:
    with pytest.raises(FindingsError, match="E-SITE-PATH"):
        read_site(folder).read_file(FileRef(path=path, sha256="0" * 64, size_bytes=1))


def test_the_listing_names_every_file_but_itself_and_the_sums(folder: Path) -> None:
    listed = {file["path"] for file in json.loads((folder / "manifest.json").read_text())["files"]}
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {"manifest.json", "SHA256SUMS"} == present - listed
    assert set() == listed - present
