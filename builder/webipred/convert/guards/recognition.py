"""What a file is by its content, and the refusal of what its entry does not announce or nobody should open."""

import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from webipred.errors import FindingsError, refuse

HEAD_BYTES: Final = 4096
TAR_MARK_AT: Final = 257
PICKLE_PROTOCOLS: Final = range(2, 6)
# What a pickle of protocol 0 or 1 begins with: a global, a list, a dictionary, a mark.
OLD_PICKLES: Final = (b"c__builtin__\n", b"cbuiltins\n", b"cposix\n", b"cos\n", b"ctorch", b"(dp", b"(lp", b"}q", b"]q")
MAGIC: Final[Sequence[tuple[bytes, str]]] = (
    (b"\x89HDF\r\n\x1a\n", "hdf5"),
    (b"\x93NUMPY", "numpy"),
    (b"PK", "zip"),
    (b"\x1f\x8b", "gzip"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!", "rar"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"BZh", "bzip2"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x7fELF", "program"),
    (b"MZ", "program"),
    (b"\xcf\xfa\xed\xfe", "program"),
    (b"#!", "program"),
    (b"version https://git-lfs", "git-lfs"),
    (b"GGUF", "gguf"),
)
ARCHIVES: Final = frozenset(["gzip", "7z", "rar", "xz", "bzip2", "zstd", "tar"])
PICKLES: Final = frozenset(["pickle", "joblib", "torch-pickle"])
# Kinds that a format of the catalog may have; a kind that is not listed anywhere is left to the converter to judge.
EXPECTED: Final[Mapping[str, frozenset[str]]] = {
    "onnx": frozenset(["unknown"]),
    "keras-h5": frozenset(["hdf5"]),
    "keras-v3": frozenset(["keras-v3", "zip"]),
    "tfjs-layers": frozenset(["tfjs", "zip"]),
    "tfjs-graph": frozenset(["tfjs", "zip"]),
    "tflite": frozenset(["tflite"]),
    "saved-model": frozenset(["saved-model", "zip"]),
    "torchscript": frozenset(["torchscript", "torch-pickle"]),
    "torch-export": frozenset(["torch-export"]),
    "torch-state-dict": frozenset(["torch-pickle", "safetensors"]),
}
FORMATS: Final[Mapping[str, str]] = {
    "hdf5": "keras-h5",
    "keras-v3": "keras-v3",
    "tfjs": "tfjs-layers",
    "tflite": "tflite",
    "torchscript": "torchscript",
    "torch-export": "torch-export",
    "saved-model": "saved-model",
}
EXPORT: Final = "Ask its authors for ONNX, safetensors, TF.js Layers or a Keras file."


def check_content(path: Path, file_format: str, where: str) -> str:
    """Return what the file is by its content; raises FindingsError for what `file_format` cannot mean.

    E-FORMAT-PICKLE, -NUMPY, -ARCHIVE, -PROGRAM, -OTHER. Nothing is unpacked, unpickled or imported.
    """
    kind = recognise(path)
    expected = EXPECTED.get(file_format, frozenset([kind]))
    if kind in expected or (kind == "unknown" and file_format != "tflite"):
        return kind
    raise _refuse(kind, file_format, where)


def recognise(path: Path) -> str:
    """Return the kind of a file: a key of EXPECTED's values, or `unknown`."""
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    found = next((kind for magic, kind in MAGIC if head.startswith(magic)), None)
    if found == "zip":
        return _recognise_zip(path)
    if found is not None:
        return found
    if head[TAR_MARK_AT : TAR_MARK_AT + 5] == b"ustar":
        return "tar"
    if head[4:8] == b"TFL3":
        return "tflite"
    if _is_pickle(head):
        return "pickle"
    if _holds_pickle(head):
        return "joblib"
    return _recognise_text(head, path.stat().st_size)


def _recognise_text(head: bytes, size: int) -> str:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "web-page"
    if start.startswith(b"{"):
        return "json"
    if len(head) > 9 and head[8:9] == b"{" and struct.unpack("<Q", head[:8])[0] < size:
        return "safetensors"
    return "unknown"


def _is_pickle(head: bytes) -> bool:
    return (head[:1] == b"\x80" and len(head) > 1 and head[1] in PICKLE_PROTOCOLS) or head.startswith(OLD_PICKLES)


def _holds_pickle(head: bytes) -> bool:
    """Whether it is a compressed pickle, as joblib writes with zlib."""
    if head[:1] != b"\x78":
        return False
    try:
        return _is_pickle(zlib.decompressobj().decompress(head, 64))
    except zlib.error:
        return False


def _recognise_zip(path: Path) -> str:
    """Judge by the names in the directory; a damaged one is left to the reader that can say why."""
    try:
        with path.open("rb") as stream, zipfile.ZipFile(stream) as archive:
            names = [info.orig_filename for info in archive.infolist()[:20_000]]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError, RuntimeError, struct.error):
        return "zip"
    last = {name.replace("\\", "/").rpartition("/")[2] for name in names}
    folders = {part for name in names for part in name.split("/")[:-1]}
    if "data.pkl" in last:
        return "torchscript" if "constants.pkl" in last and "code" in folders else "torch-pickle"
    if "archive_format" in last or "serialized_exported_program.json" in last or "model.json.pt2" in last:
        return "torch-export"
    if "model.weights.h5" in last or {"config.json", "metadata.json"} <= last:
        return "keras-v3"
    if "saved_model.pb" in last:
        return "saved-model"
    if names and all(name.endswith(".npy") for name in names):
        return "numpy"
    return "tfjs" if "model.json" in last else "zip"


def _refuse(kind: str, file_format: str, where: str) -> FindingsError:
    if kind in PICKLES:
        what = f"the file is a Python pickle ({kind}), and format is {file_format!r}; loading one runs the code in it."
        return refuse("E-FORMAT-PICKLE", where, what, f"It is never loaded here. {EXPORT}")
    if kind == "numpy":
        what = "the file holds bare NumPy arrays, which may be pickles, and no description of a network."
        return refuse("E-FORMAT-NUMPY", where, what, EXPORT)
    if kind in ARCHIVES:
        what = f"the file is an archive of the kind {kind}; only zip is opened."
        return refuse("E-FORMAT-ARCHIVE", where, what, "Pack the files of the model into a plain zip.")
    if kind == "program":
        return refuse("E-FORMAT-PROGRAM", where, "the file is a program, not a model.", "Treat it with suspicion.")
    named = FORMATS.get(kind)
    fix = f"Set format: {named}, if that is the model you mean." if named else "Check source.file and format."
    return refuse("E-FORMAT-OTHER", where, f"format is {file_format!r}, but the file is of the kind {kind}.", fix)
