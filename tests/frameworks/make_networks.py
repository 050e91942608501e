"""Write a network of a framework and its numbers: run inside of that framework's environment.

    python make_networks.py saved-model|torchscript|torch-export FOLDER

Leaves `model` (a file, or a zip of a SavedModel) and `reference.npz` with `input` (image, height, width, channel) and
`output` in FOLDER. The weights are seeded; the outputs mean nothing.
"""

import os
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

SIDE = 64
CLASSES = 3


def make_images() -> Any:
    """Return seeded images in −1…1."""
    return np.random.default_rng(3).uniform(-1, 1, (3, SIDE, SIDE, 3)).astype(np.float32)


def make_saved_model(folder: Path) -> Any:
    """MobileNetV2 at a quarter of its width, exported as a SavedModel."""
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    import tensorflow as tf
    import tf_keras

    tf.random.set_seed(1)
    model = tf_keras.applications.MobileNetV2(input_shape=(SIDE, SIDE, 3), alpha=0.35, weights=None, classes=CLASSES)
    random = np.random.default_rng(0)
    weights = []
    for variable, value in zip(model.weights, model.get_weights(), strict=True):
        if "variance" in variable.name:
            weights.append(random.uniform(0.5, 1.5, value.shape))
        else:
            spread = min(1.0, 1.5 / np.prod(value.shape[:-1]) ** 0.5) if value.ndim > 1 else 0.1
            weights.append(random.normal(1.0 if "gamma" in variable.name else 0.0, spread, value.shape))
    model.set_weights([value.astype(np.float32) for value in weights])
    place = folder / "saved"
    tf.saved_model.save(model, str(place))
    with zipfile.ZipFile(folder / "model", "w") as archive:
        for path in sorted(place.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(place).as_posix())
    return np.asarray(model(make_images(), training=False))


def make_torch(folder: Path, kind: str) -> Any:
    """A small residual network."""
    import torch
    from torch import nn

    class Block(nn.Module):  # type: ignore[misc]  # torch is not installed where types are checked
        def __init__(self, inside: int, outside: int) -> None:
            super().__init__()
            self.main = nn.Sequential(
                nn.Conv2d(inside, outside, 3, 2, 1, bias=False), nn.BatchNorm2d(outside), nn.ReLU(),
                nn.Conv2d(outside, outside, 3, 1, 1), nn.BatchNorm2d(outside),
            )  # fmt: skip
            self.short = nn.Conv2d(inside, outside, 1, 2)

        def forward(self, x: Any) -> Any:
            return torch.relu(self.main(x) + self.short(x))

    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 16, 7, 2, 3), nn.MaxPool2d(3, 2, 1), Block(16, 32), Block(32, 64), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(64, CLASSES), nn.Softmax(1),
    ).eval()  # fmt: skip
    planes = torch.from_numpy(make_images().transpose(0, 3, 1, 2).copy())
    if kind == "torchscript":
        torch.jit.trace(model, planes[:1]).save(str(folder / "model"))
    else:
        torch.export.save(torch.export.export(model, (planes[:1],)), folder / "model.pt2")
        (folder / "model.pt2").rename(folder / "model")
    with torch.no_grad():
        return np.asarray(model(planes))


def main() -> None:
    """Write what the arguments ask for."""
    kind, folder = sys.argv[1], Path(sys.argv[2])
    output = make_saved_model(folder) if kind == "saved-model" else make_torch(folder, kind)
    np.savez(folder / "reference.npz", input=make_images(), output=output)


if __name__ == "__main__":
    main()
