"""Write the small real model files with the real frameworks; run in a TensorFlow environment.

    python3 -m venv tfenv
    tfenv/bin/pip install tensorflow==2.21.0 tf-keras==2.21.0 six importlib_resources
    tfenv/bin/pip install --no-deps tensorflowjs==4.22.0
    tfenv/bin/python -m tests.data.keras.make_keras

`index.json` lists every file: its format, the `.npz` with reference `input` and `output` of the framework
that wrote it, or, for files that must be refused, the layer or the reason that the refusal must name.
Archives hold the date of their making, so a second run gives other bytes but the same weights.
"""

import json
import os
import shutil
import sys
import types
from pathlib import Path
from types import ModuleType
from typing import Final

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"


def stub_module(name: str, **members: object) -> None:
    """Stand in for a package that tensorflowjs imports but does not use for Keras models."""
    module = types.ModuleType(name)
    vars(module).update(members)
    sys.modules[name] = module


stub_module("tensorflow_decision_forests")
stub_module("tensorflow_hub")
stub_module("tensorflowjs.converters.jax_conversion", convert_jax=None)

# E402 below: the variables and stubs above must be in place before these packages load
import keras  # noqa: E402
import numpy as np  # noqa: E402
import tf_keras  # noqa: E402
from tensorflowjs import converters  # noqa: E402

from .small_models import BUILDERS, REFUSED, TFJS_BUILDERS, Model  # noqa: E402

FOLDER: Final = Path(__file__).parent
IMAGES: Final = 3
REFUSED_FILES: Final = (
    (keras, "keras3", ".keras", ("lambda", "custom", "two_outputs")),
    (keras, "keras3", ".h5", ("lambda",)),
    (tf_keras, "tfkeras", ".keras", ("lambda", "two_inputs")),
    (tf_keras, "tfkeras", ".h5", ("lambda", "custom", "two_outputs")),
)
FORMATS: Final = {".keras": "keras-v3", ".h5": "keras-h5"}
Row = dict[str, str]


def shake_weights(model: Model, seed: int) -> None:
    """Replace every weight by random numbers, so that no bias or statistic is zero or one."""
    random = np.random.default_rng(seed)
    values = []
    for variable, value in zip(model.weights, model.get_weights(), strict=True):
        name = variable.path if hasattr(variable, "path") else variable.name
        if "variance" in name:
            values.append(random.uniform(0.5, 1.5, value.shape))
        elif value.ndim >= 2:
            fan_in = np.prod(value.shape[:-1])
            values.append(random.normal(0.0, min(1.0, 1.5 / fan_in**0.5), value.shape))
        else:
            start = 1.0 if "gamma" in name else 0.0
            values.append(start + random.uniform(-0.3, 0.3, value.shape))
    model.set_weights([value.astype(np.float32) for value in values])


def write_reference(model: Model, name: str) -> str:
    """Run the model on made-up images and keep input and output as `<name>.npz`."""
    random = np.random.default_rng(11)
    shape = (IMAGES, *model.input_shape[1:])
    pixels = random.integers(0, 256, shape)
    takes_pixels = any(layer.name.startswith(("rescaling", "normalization")) for layer in model.layers)
    images = (pixels if takes_pixels else pixels / 127.5 - 1.0).astype(np.float32)
    images *= np.linspace(0.4, 1.0, IMAGES, dtype=np.float32).reshape(-1, 1, 1, 1)
    output = np.asarray(model(images, training=False))
    np.savez_compressed(FOLDER / f"{name}.npz", input=images, output=output)
    return f"{name}.npz"


def save_model(model: Model, path: Path) -> None:
    """Save as the suffix says: `.keras`, or `.h5` as whole-model HDF5 of the framework."""
    if path.suffix == ".h5":
        options = {"save_format": "h5"} if isinstance(model, tf_keras.Model) else {}
        model.save(path, include_optimizer=False, **options)
    else:
        model.save(path)


def make_family(k: ModuleType, prefix: str, suffixes: tuple[str, ...]) -> list[Row]:
    """Write all models of one framework, with one reference for its formats."""
    rows: list[Row] = []
    for number, (name, build) in enumerate(BUILDERS.items()):
        k.backend.clear_session()
        model = build(k)
        shake_weights(model, number)
        stem = f"{prefix}_{name}"
        reference = write_reference(model, stem)
        for suffix in suffixes:
            save_model(model, FOLDER / f"{stem}{suffix}")
            rows.append({"file": f"{stem}{suffix}", "format": FORMATS[suffix], "reference": reference})
    return rows


def make_tfjs() -> list[Row]:
    """Convert tf_keras models with the TensorFlow.js converter, one of them also quantized."""
    rows: list[Row] = []
    for number, (name, build) in enumerate(TFJS_BUILDERS.items()):
        for kind in (None, "uint8", "uint16", "float16") if name == "branches" else (None,):
            tf_keras.backend.clear_session()
            model = build(tf_keras)
            shake_weights(model, number)
            stem = f"tfjs_{name}" + (f"_{kind}" if kind else "")
            shutil.rmtree(FOLDER / stem, ignore_errors=True)
            quantization = {kind: True} if kind else None
            converters.save_keras_model(model, str(FOLDER / stem), quantization_dtype_map=quantization)
            if kind:
                tf_keras.backend.clear_session()
                model = converters.load_keras_model(str(FOLDER / stem / "model.json"))
            reference = write_reference(model, stem)
            rows.append({"file": stem, "format": "tfjs-layers", "reference": reference})
    return rows


def make_refused() -> list[Row]:
    """Write the files that a converter must refuse."""
    rows: list[Row] = []
    for k, prefix, suffix, names in REFUSED_FILES:
        for name in names:
            build, named = REFUSED[name]
            k.backend.clear_session()
            path = FOLDER / f"{prefix}_{name}{suffix}"
            save_model(build(k), path)
            rows.append({"file": path.name, "format": FORMATS[suffix], "refused": named})
    return rows


def main() -> None:
    """Write everything beside this script."""
    rows = [
        *make_family(keras, "keras3", (".keras",)),
        *make_family(tf_keras, "tfkeras", (".keras", ".h5")),
        *make_tfjs(),
        *make_refused(),
    ]
    (FOLDER / "index.json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
