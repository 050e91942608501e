"""Export a Keras model as a TensorFlow.js Layers zip, laid out as converted models on Zenodo are."""

import sys
import tempfile
import types
import zipfile
from pathlib import Path
from typing import Final

import tf_keras


def stub_module(name: str, **members: object) -> None:
    """Stand in for a package that tensorflowjs imports but does not use for Keras models."""
    module = types.ModuleType(name)
    vars(module).update(members)
    sys.modules[name] = module


stub_module("tensorflow_decision_forests")
stub_module("tensorflow_hub")
stub_module("tensorflowjs.converters.jax_conversion", convert_jax=None)

from tensorflowjs import converters  # noqa: E402 (the stubs must come first)

ZIP_DATE: Final = (2026, 1, 1, 0, 0, 0)


def write_tfjs_zip(model: tf_keras.Model, path: Path) -> None:
    """Convert and pack: model.json and group1-shard*of*.bin at the top level, stored, with fixed dates."""
    with tempfile.TemporaryDirectory() as folder:
        converters.save_keras_model(model, folder)
        with zipfile.ZipFile(path, "w") as archive:
            for file in sorted(Path(folder).iterdir()):
                member = zipfile.ZipInfo(file.name, ZIP_DATE)
                member.create_system = 3
                member.external_attr = 0o644 << 16
                archive.writestr(member, file.read_bytes())


def read_tfjs_zip(path: Path) -> tf_keras.Model:
    """Load an exported zip back with the converter's own reader."""
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder)
        return converters.load_keras_model(str(Path(folder) / "model.json"))
