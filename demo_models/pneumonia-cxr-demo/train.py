"""Train the demo network; `publish.py` then evaluates and packs it.

Data: the training split of Kermany, Zhang, Goldbaum 2018 (doi:10.17632/rscbjbr9sj, CC BY 4.0), downsized to
224×224, as one zip with the folders NORMAL/ and PNEUMONIA/. Environment, Python 3.11:

    python3 -m venv tfenv
    tfenv/bin/pip install tensorflow==2.21.0 tf-keras==2.21.0 scikit-learn==1.9.1 pillow==13.0.0
    tfenv/bin/pip install onnx onnxruntime h5py six importlib_resources
    tfenv/bin/pip install --no-deps tensorflowjs==4.22.0
    tfenv/bin/python train.py --data train.zip --work work
    tfenv/bin/python publish.py --data train.zip --work work

The split and the order of the images follow from the seed; sums over threads do not, so a second training gives
slightly other weights and figures of the same size. `work` then holds model.h5 and training.json.
"""

import argparse
import collections
import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

# TensorFlow reads these variables when it is imported
from network import BATCH, PEAK_RATE, train_network
from split import Photo, read_photos, split_by_patient

PACKAGES = ("tensorflow", "tf_keras", "tensorflowjs", "numpy", "pillow", "scikit-learn")


def count_part(photos: Sequence[Photo]) -> dict[str, int]:
    """Count images, patient groups and kinds of one part."""
    kinds = collections.Counter(photo.kind for photo in photos)
    return {"images": len(photos), "patient_groups": len({photo.group for photo in photos}), **sorted_counts(kinds)}


def sorted_counts(counts: Mapping[str, int]) -> dict[str, int]:
    """Order counts by name, so that files do not depend on the order of the data."""
    return {name: counts[name] for name in sorted(counts)}


def read_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="train.zip")
    parser.add_argument("--work", type=Path, required=True, help="folder for the trained model")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--epochs", type=int, default=24)
    return parser.parse_args()


def main() -> None:
    """Split, train, save."""
    arguments = read_arguments()
    arguments.work.mkdir(parents=True, exist_ok=True)
    photos, repeats = read_photos(arguments.data)
    parts = split_by_patient(photos, arguments.seed)
    started = time.monotonic()
    model, history, kept = train_network(
        parts["train"],
        parts["validation"],
        epochs=arguments.epochs,
        seed=arguments.seed,
        checkpoint=arguments.work / "best.weights.h5",
    )
    model.save(arguments.work / "model.h5", save_format="h5", include_optimizer=False)
    facts = {
        "data_sha256": hashlib.sha256(arguments.data.read_bytes()).hexdigest(),
        "repeats_left_out": repeats,
        "split": {name: count_part(part) for name, part in parts.items()},
        "seed": arguments.seed,
        "epochs": arguments.epochs,
        "epoch_kept": kept,
        "batch": BATCH,
        "peak_learning_rate": PEAK_RATE,
        "parameters": model.count_params(),
        "minutes": round((time.monotonic() - started) / 60, 1),
        "versions": {name: version(name) for name in PACKAGES},
        "history": history,
    }
    (arguments.work / "training.json").write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
