"""Guarded reading of HDF5: every object is inspected before any data is read.

Plain h5py would read other files of the machine through external links, external storage and virtual datasets, and
would allocate whatever size a header declares; docs/conversion.md lists what is refused.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import h5py
import numpy as np

from webipred.convert.graph import Array
from webipred.convert.limits import ConversionLimits
from webipred.convert.quoting import quote_error
from webipred.errors import FindingsError, refuse

MAX_DEPTH: Final = 32
MAX_OBJECTS: Final = 100_000
MAX_ATTRIBUTE_BYTES: Final = 64 << 20
BUILT_IN_FILTERS: Final = (h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32)
FOREIGN_FILE: Final = "No Keras writes such a file; get it again from its origin."
LIBRARY_ERRORS: Final = (OSError, RuntimeError, ValueError, KeyError, TypeError, NotImplementedError, AttributeError)


class Hdf5File:
    """An inspected HDF5 file; datasets by their full path without the leading slash."""

    def __init__(self, file: h5py.File, datasets: dict[str, h5py.Dataset], where: str) -> None:
        self._file = file
        self._datasets = datasets
        self._where = where

    @property
    def names(self) -> list[str]:
        """Paths of all datasets, sorted."""
        return sorted(self._datasets)

    def read(self, name: str) -> Array:
        """Return a dataset. Raises FindingsError if it cannot be decoded."""
        with _report_broken(f"{self._where} dataset {name[:80]!r}"):
            return np.asarray(self._datasets[name][()])

    def read_texts(self, group: str, name: str) -> list[str]:
        """Return a list of names that Keras may have split into name0, name1, …; empty if it is absent."""
        attributes = self._attributes(group)
        with _report_broken(f"{self._where} attribute {name!r} of {group[:80]!r}"):
            if name in attributes:
                return self._read_attribute(attributes, name)
            texts: list[str] = []
            number = 0
            while f"{name}{number}" in attributes:
                texts += self._read_attribute(attributes, f"{name}{number}")
                number += 1
            return texts

    def read_text(self, group: str, name: str) -> str | None:
        """Return one text, or None if it is absent."""
        texts = self.read_texts(group, name)
        return texts[0] if texts else None

    def has_group(self, name: str) -> bool:
        """Whether a group exists at a path."""
        with _report_broken(self._where):
            return isinstance(self._file.get(name), h5py.Group)

    def _attributes(self, group: str) -> h5py.AttributeManager:
        with _report_broken(self._where):
            item = self._file if not group else self._file.get(group)
        if not isinstance(item, h5py.Group):
            raise refuse("E-HDF5-BROKEN", self._where, f"there is no group {group[:80]!r}.", FOREIGN_FILE)
        return item.attrs

    def _read_attribute(self, attributes: h5py.AttributeManager, name: str) -> list[str]:
        identifier = attributes.get_id(name)
        if math.prod(identifier.shape) * identifier.dtype.itemsize > MAX_ATTRIBUTE_BYTES:
            raise refuse("E-HDF5-SIZE", self._where, f"the attribute {name!r} is larger than 64 MiB.", FOREIGN_FILE)
        if identifier.dtype.kind == "f" and not math.prod(identifier.shape):
            return []  # how Keras writes an empty list of names
        if h5py.check_string_dtype(identifier.dtype) is None and identifier.dtype.kind not in "SU":
            raise refuse(
                "E-HDF5-TYPE", self._where, f"the attribute {name!r} is not text but {identifier.dtype}.", FOREIGN_FILE
            )
        value = attributes[name]
        items = value.ravel().tolist() if isinstance(value, np.ndarray) else [value]
        texts = [item.decode("utf-8") if isinstance(item, bytes) else str(item) for item in items]
        for text in texts:
            text.encode("utf-8")  # h5py lets broken UTF-8 through; the caller reports what this raises
        return texts


@contextmanager
def open_hdf5(path: Path, where: str, limits: ConversionLimits) -> Iterator[Hdf5File]:
    """Open and inspect a file.

    Raises FindingsError: E-HDF5-LINK, -STORAGE, -TYPE, -FILTER, -DEPTH, -SIZE, -UNWRITTEN, -BROKEN.
    """
    with _report_broken(where):
        file = h5py.File(path, "r")
    with file:
        with _report_broken(where):
            datasets = _inspect(file, where, limits)
        yield Hdf5File(file, datasets, where)


@contextmanager
def _report_broken(where: str) -> Iterator[None]:
    try:
        yield
    except LIBRARY_ERRORS as error:
        what = f"the HDF5 library cannot read this ({type(error).__name__}: {quote_error(error)})."
        raise refuse("E-HDF5-BROKEN", where, what, "The file is damaged; get it again from its origin.") from error


def _inspect(file: h5py.File, where: str, limits: ConversionLimits) -> dict[str, h5py.Dataset]:
    """Walk all hard links with a visited set, so that cycles and second links end the walk instead of repeating it."""
    datasets: dict[str, h5py.Dataset] = {}
    seen = {h5py.h5o.get_info(file.id).addr}
    stack: list[tuple[h5py.Group, str, int]] = [(file, "", 0)]
    declared = 0
    while stack:
        group, prefix, depth = stack.pop()
        for name in group:
            path = f"{prefix}{name}"
            item = _follow(group, name, path, where)
            address = h5py.h5o.get_info(item.id).addr
            if address in seen:
                raise _refuse_object("E-HDF5-LINK", path, "is linked twice, or is its own parent", where)
            seen.add(address)
            if len(seen) > MAX_OBJECTS or depth >= MAX_DEPTH:
                raise _refuse_object(
                    "E-HDF5-DEPTH", path, f"is beyond {MAX_OBJECTS} objects or {MAX_DEPTH} levels", where
                )
            if isinstance(item, h5py.Group):
                stack.append((item, f"{path}/", depth + 1))
                continue
            declared += _check_dataset(item, path, where)
            if declared > limits.unpacked_bytes:
                what = f"declares, with those before it, {declared} bytes; the limit is {limits.unpacked_bytes}"
                raise _refuse_object("E-HDF5-SIZE", path, what, where)
            _check_written(item, path, where)
            datasets[path] = item
    return datasets


def _follow(group: h5py.Group, name: str, path: str, where: str) -> h5py.Group | h5py.Dataset:
    link = group.get(name, getlink=True)
    if not isinstance(link, h5py.HardLink):
        raise _refuse_object("E-HDF5-LINK", path, f"is a {type(link).__name__}, which may lead to another file", where)
    item = group[name]
    if not isinstance(item, h5py.Group | h5py.Dataset):
        raise _refuse_object("E-HDF5-TYPE", path, f"is a {type(item).__name__}", where)
    return item


def _check_dataset(dataset: h5py.Dataset, path: str, where: str) -> int:
    """Return the declared size in bytes. Raises FindingsError for anything that could read elsewhere."""
    plan = dataset.id.get_create_plist()
    if dataset.external or dataset.is_virtual or plan.get_external_count():
        raise _refuse_object(
            "E-HDF5-STORAGE", path, "keeps its data in other files (external or virtual storage)", where
        )
    if dataset.dtype.kind not in "fiub" or dataset.dtype.hasobject or dataset.dtype.subdtype is not None:
        raise _refuse_object("E-HDF5-TYPE", path, f"has the type {dataset.dtype}, only numbers are read", where)
    filters = [plan.get_filter(number)[0] for number in range(plan.get_nfilters())]
    foreign = [number for number in filters if number not in BUILT_IN_FILTERS]
    if foreign:
        raise _refuse_object("E-HDF5-FILTER", path, f"needs the plug-in filter {foreign[0]}", where)
    if dataset.shape is None:
        raise _refuse_object("E-HDF5-TYPE", path, "is empty", where)
    count: int = math.prod(dataset.shape)
    return count * int(dataset.dtype.itemsize)


def _check_written(dataset: h5py.Dataset, path: str, where: str) -> None:
    """Raise FindingsError where the library would fill in numbers that nobody stored, mostly zeros."""
    if not math.prod(dataset.shape):
        return
    if dataset.chunks is None:
        if not dataset.id.get_storage_size():
            raise _refuse_object("E-HDF5-UNWRITTEN", path, "was declared, but its numbers were never written", where)
        return
    sides = zip(dataset.shape, dataset.chunks, strict=True)
    needed = math.prod(-(-side // chunk) for side, chunk in sides)
    written = dataset.id.get_num_chunks()
    if written != needed:
        what = f"has {written} of its {needed} pieces; the others were never written"
        raise _refuse_object("E-HDF5-UNWRITTEN", path, what, where)


def _refuse_object(code: str, path: str, what: str, where: str) -> FindingsError:
    return refuse(code, where, f"the object {ascii(path)[:100]} {what}.", FOREIGN_FILE)
