"""Evaluate the trained network on the held-out patients and write what this folder publishes.

Writes the TF.js zip, metrics.json, held_out_scores.csv and samples/. `train.py` says how to run it.
"""

import argparse
import csv
import hashlib
import json
import os
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Final

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

# TensorFlow reads these variables when it is imported
import numpy as np
import tf_keras
from evaluation import BOOTSTRAP_SEED, REPLICATES, THRESHOLD, measure_all, measure_auc
from export import read_tfjs_zip, write_tfjs_zip
from network import predict_photos
from numpy.typing import NDArray
from split import CLASSES, Photo, read_photos, split_by_patient

FOLDER: Final = Path(__file__).parent
ZIP_NAME: Final = "pneumonia_cxr_demo_model_converted.zip"
SAMPLES_PER_CLASS: Final = 5
SOURCE: Final = "Kermany, Zhang, Goldbaum 2018, doi:10.17632/rscbjbr9sj, CC BY 4.0, downsized to 224x224"
Probabilities = NDArray[np.float32]


def write_scores(photos: Sequence[Photo], probabilities: Probabilities) -> None:
    """Write one row per held-out image, so that every figure can be computed again."""
    with (FOLDER / "held_out_scores.csv").open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["file", "class", "kind", "patient_group", *(f"p_{name}" for name in CLASSES)])
        for photo, row in zip(photos, probabilities, strict=True):
            values = [f"{value:.7f}" for value in row.tolist()]
            rows.writerow([photo.name, CLASSES[photo.label], photo.kind, photo.group, *values])


def write_metrics(photos: Sequence[Photo], probabilities: Probabilities, training: dict[str, object]) -> None:
    """Write metrics.json: counts, figures with intervals, decisions, facts of the training."""
    labels = np.array([photo.label for photo in photos])
    scores = probabilities[:, CLASSES.index("PNEUMONIA")].astype(np.float64)
    groups = np.array([photo.group for photo in photos])
    decided = scores >= THRESHOLD
    kinds = np.array([photo.kind for photo in photos])
    metrics = {
        "part": "held-out patients of the data set's training split",
        "positive_class": "PNEUMONIA",
        "threshold": THRESHOLD,
        "n": {name: int(np.sum(labels == index)) for index, name in enumerate(CLASSES)},
        "patient_groups": {name: len(set(groups[labels == index])) for index, name in enumerate(CLASSES)},
        "metrics": measure_all(labels, scores, groups),
        "confidence_intervals": {
            "level": 0.95,
            "method": "percentile bootstrap of whole patient groups, within each class",
            "replicates": REPLICATES,
            "seed": BOOTSTRAP_SEED,
        },
        "confusion": {
            "true_positive": int(np.sum(decided & (labels == 1))),
            "false_negative": int(np.sum(~decided & (labels == 1))),
            "true_negative": int(np.sum(~decided & (labels == 0))),
            "false_positive": int(np.sum(decided & (labels == 0))),
        },
        "sensitivity_by_kind": {
            kind: round(float(np.mean(decided[kinds == kind])), 4) for kind in ("bacteria", "virus")
        },
        "training": training,
    }
    (FOLDER / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")


def measure_validation(model: tf_keras.Model, photos: Sequence[Photo]) -> float:
    """Measure the AUC on the part that chose the epoch: too kind by construction, kept for comparison."""
    scores = predict_photos(model, photos)[:, CLASSES.index("PNEUMONIA")].astype(np.float64)
    return measure_auc(np.array([photo.label for photo in photos]), scores)


def choose_samples(photos: Sequence[Photo], probabilities: Probabilities, seed: int) -> list[int]:
    """Choose correctly decided images, five a class, one from each fifth of the scores of that class.

    Within a fifth the choice is random, and no patient comes twice. So doubtful scores occur as well as clear ones.
    """
    dice = random.Random(seed)  # noqa: S311 (a choice, not a secret)
    chosen: list[int] = []
    for label in range(len(CLASSES)):
        right = [
            index
            for index, photo in enumerate(photos)
            if photo.label == label and probabilities[index, label] > THRESHOLD
        ]
        right.sort(key=lambda index: float(probabilities[index, label]))
        for fifth in np.array_split(right, SAMPLES_PER_CLASS):
            taken = {photos[index].group for index in chosen}
            chosen.append(dice.choice([int(index) for index in fifth if photos[index].group not in taken]))
    return chosen


def write_samples(photos: Sequence[Photo], probabilities: Probabilities, seed: int) -> None:
    """Write the sample images byte for byte, and samples.json about them."""
    folder = FOLDER / "samples"
    folder.mkdir(exist_ok=True)
    for stale in folder.iterdir():
        stale.unlink()
    rows = []
    for number, index in enumerate(choose_samples(photos, probabilities, seed)):
        photo = photos[index]
        file = f"{CLASSES[photo.label].lower()}-{number % SAMPLES_PER_CLASS + 1}.jpeg"
        (folder / file).write_bytes(photo.jpeg)
        rows.append(
            {
                "file": file,
                "class": CLASSES[photo.label],
                "sha256": hashlib.sha256(photo.jpeg).hexdigest(),
                "source_file": photo.name,
                "source": SOURCE,
                "probabilities": {
                    name: round(float(value), 7) for name, value in zip(CLASSES, probabilities[index], strict=True)
                },
            }
        )
    (folder / "samples.json").write_text(json.dumps(rows, indent=1) + "\n")


def main() -> None:
    """Export, evaluate, choose samples."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="train.zip")
    parser.add_argument("--work", type=Path, required=True, help="folder that train.py wrote")
    arguments = parser.parse_args()
    training = json.loads((arguments.work / "training.json").read_text())
    photos, _ = read_photos(arguments.data)
    parts = split_by_patient(photos, training["seed"])
    held_out = sorted(parts["test"], key=lambda photo: photo.name)
    model = tf_keras.models.load_model(arguments.work / "model.h5", compile=False)
    probabilities = predict_photos(model, held_out)
    write_tfjs_zip(model, FOLDER / ZIP_NAME)
    difference = np.abs(predict_photos(read_tfjs_zip(FOLDER / ZIP_NAME), held_out) - probabilities).max()
    if difference > 1e-6:
        raise SystemExit(f"the exported model differs from the trained one by {difference}; do not publish it")
    history = training.pop("history")
    training["validation"] = {
        "loss_by_epoch": history["val_loss"],
        "auc_of_epoch_kept": round(measure_validation(model, parts["validation"]), 4),
    }
    write_scores(held_out, probabilities)
    write_metrics(held_out, probabilities, training)
    write_samples(held_out, probabilities, training["seed"])
    print(f"{ZIP_NAME}: sha256 {hashlib.sha256((FOLDER / ZIP_NAME).read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
