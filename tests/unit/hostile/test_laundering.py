"""Builder case 52: nothing of the builder's home, environment or folders is in any emitted byte, packed or not."""

import bz2
import gzip
import io
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator

import onnx
import pytest

from command_line import run_command
from entries import make_entry_data
from hostile_files import make_h5, pack, steal_by_storage
from tiny_models import make_colour_network
from unit.hostile.test_catalog_and_emission import write_catalog
from webipred.digests import hash_bytes

RUN = 16
SCRIPT = "<script>alert('doc string of a model')</script>"
SECRETS = {
    "home": b"canary of the home folder: 7c1f0e6d-2f6a-4a55-9d3b-0e51a6f2b4c8",
    "environment": b"canary of the environment: 58d0b1f4-91c7-4f0e-8a43-d2a7c7a5e913",
    "folder": b"canary-of-a-folder-name-3e9a7715-0c5d-4a0e",
}


def find_runs(secret: bytes, data: bytes) -> list[bytes]:
    """Return the pieces of `RUN` bytes of a secret that stand in `data`, also as UTF-16 or turned round."""
    forms = [secret, secret.decode().encode("utf-16-le"), secret[::-1], secret.upper(), secret.hex().encode()]
    return [form[at : at + RUN] for form in forms for at in range(len(form) - RUN + 1) if form[at : at + RUN] in data]


def unpack(data: bytes, depth: int = 3) -> Iterator[bytes]:
    """Yield the bytes, and everything that is packed in them: zip, gzip, zlib, bzip2, also inside of each other."""
    yield data
    if depth == 0:
        return
    for inner in (*_open_zip(data), *_open_stream(data)):
        yield from unpack(inner, depth - 1)


def _open_zip(data: bytes) -> list[bytes]:
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return []
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [archive.read(name) for name in archive.namelist()]


def _open_stream(data: bytes) -> list[bytes]:
    for magic, read in ((b"\x1f\x8b", gzip.decompress), (b"BZh", bz2.decompress), (b"\x78", zlib.decompress)):
        if data.startswith(magic):
            try:
                return [read(data)]
            except (OSError, zlib.error, EOFError):
                return []
    return []


@pytest.fixture(scope="module")
def emitted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Every file of a whole build: two good models and one thief, reports, in a world full of secrets."""
    world = tmp_path_factory.mktemp(SECRETS["folder"].decode())
    home, catalog = world / "home", world / "catalog"
    home.mkdir()
    catalog.mkdir()
    for name in (".netrc", ".pypirc", ".bash_history", "secret"):
        (home / name).write_bytes(SECRETS["home"])
    (catalog / "script.onnx").write_bytes(make_commented())
    (catalog / "thief.h5").write_bytes(make_h5(steal_by_storage(str(home / "secret"))))
    write_catalog(
        catalog,
        make_entry_data(catalog),
        make_entry_data(catalog, id="script", source={"type": "folder", "path": "script.onnx"}),
        make_entry_data(catalog, id="thief", format="keras-h5", source={"type": "folder", "path": "thief.h5"}),
    )
    environment = {"HOME": str(home), "TOKEN": SECRETS["environment"].decode(), "USER": SECRETS["environment"].decode()}
    places = ("--cache-dir", "../cache", "--out", "../dist", "--report")
    run_command("build", *places, "../report.json", cwd=catalog, environment=environment)
    files = [*(world / "dist").rglob("*"), world / "report.json"]
    return {str(path.relative_to(world)): path.read_bytes() for path in files if path.is_file()}


def make_commented() -> bytes:
    """Return the colour network with a script in every free text."""
    model = onnx.load_from_string(make_colour_network())
    model.doc_string = model.graph.doc_string = model.graph.node[0].doc_string = model.producer_name = SCRIPT
    model.metadata_props.add(key="note", value=SCRIPT)
    data: bytes = model.SerializeToString()
    return data


def test_case_52_no_secret_is_in_any_emitted_byte(emitted: dict[str, bytes]) -> None:
    found = {
        (name, kind)
        for name, data in emitted.items()
        for content in unpack(data)
        for kind, secret in SECRETS.items()
        if find_runs(secret, content)
    }
    assert set() == found


def test_case_15_the_thief_is_refused_by_name(emitted: dict[str, bytes]) -> None:
    assert b"E-HDF5-STORAGE" in emitted["report.json"]


def test_case_37_the_free_text_of_a_model_is_dropped(emitted: dict[str, bytes]) -> None:
    assert "dist/models/script/report.json" in emitted
    assert [] == [name for name, data in emitted.items() if b"doc string of a model" in data]


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize(
    "wrap",
    [bytes, gzip.compress, bz2.compress, zlib.compress, lambda data: pack([("inner", gzip.compress(data))]),
     lambda data: b"before" + data[3:40] + b"behind", lambda data: data.decode().encode("utf-16-le")],
)  # fmt: skip
def test_the_search_finds_what_is_hidden(secret: bytes, wrap: Callable[[bytes], bytes]) -> None:
    hidden = wrap(secret + os.urandom(64).hex().encode()) if wrap is not bytes else secret
    assert any(find_runs(secret, content) for content in unpack(hidden))


def test_the_digest_of_a_secret_is_no_secret() -> None:
    assert [] == find_runs(SECRETS["home"], hash_bytes(SECRETS["home"]).encode())
