"""Figures of the held-out part, with confidence intervals that respect patients."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

THRESHOLD: Final = 0.5
REPLICATES: Final = 2000
BOOTSTRAP_SEED: Final = 20260
CALIBRATION_BINS: Final = 10

Scores = NDArray[np.float64]
Labels = NDArray[np.int64]


def measure_auc(labels: Labels, scores: Scores) -> float:
    """Area under the ROC curve."""
    return float(roc_auc_score(labels, scores))


def measure_accuracy(labels: Labels, scores: Scores) -> float:
    """Share of images decided as labelled."""
    return float(np.mean((scores >= THRESHOLD) == (labels == 1)))


def measure_sensitivity(labels: Labels, scores: Scores) -> float:
    """Share of pneumonia images decided as pneumonia."""
    return float(np.mean(scores[labels == 1] >= THRESHOLD))


def measure_specificity(labels: Labels, scores: Scores) -> float:
    """Share of normal images decided as normal."""
    return float(np.mean(scores[labels == 0] < THRESHOLD))


def measure_brier(labels: Labels, scores: Scores) -> float:
    """Mean squared difference of probability and outcome (Brier 1950, one class)."""
    return float(np.mean((scores - labels) ** 2))


def measure_calibration_error(labels: Labels, scores: Scores) -> float:
    """Mean absolute gap of mean probability and observed share in ten bins of equal width, weighted by size."""
    bins = np.minimum((scores * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = [abs(float(np.sum(scores[bins == one] - labels[bins == one]))) for one in range(CALIBRATION_BINS)]
    return sum(gaps) / len(labels)


MEASURES: Final[Mapping[str, Callable[[Labels, Scores], float]]] = {
    "auc": measure_auc,
    "accuracy": measure_accuracy,
    "sensitivity": measure_sensitivity,
    "specificity": measure_specificity,
    "brier": measure_brier,
    "expected_calibration_error": measure_calibration_error,
}


def resample_patients(labels: Labels, groups: NDArray[np.str_], random: np.random.Generator) -> NDArray[np.int64]:
    """Draw whole patient groups with replacement, as many of each class as there are; return image indices."""
    drawn = []
    for label in np.unique(labels):
        members = [np.flatnonzero(groups == group) for group in np.unique(groups[labels == label])]
        drawn += [members[one] for one in random.integers(0, len(members), len(members))]
    return np.concatenate(drawn)


def measure_all(labels: Labels, scores: Scores, groups: NDArray[np.str_]) -> dict[str, dict[str, object]]:
    """Measure everything with 95 % percentile intervals of a patient-clustered bootstrap.

    labels: (image,) 1 for PNEUMONIA; scores: (image,) probability of PNEUMONIA; groups: (image,) patient groups,
    each of one class only. The normal images are nearly one per patient, the others two per patient on average.
    """
    random = np.random.default_rng(BOOTSTRAP_SEED)
    samples: dict[str, list[float]] = {name: [] for name in MEASURES}
    for _ in range(REPLICATES):
        chosen = resample_patients(labels, groups, random)
        for name, measure in MEASURES.items():
            samples[name].append(measure(labels[chosen], scores[chosen]))
    figures: dict[str, dict[str, object]] = {}
    for name, measure in MEASURES.items():
        low, high = np.percentile(samples[name], [2.5, 97.5])
        figures[name] = {
            "value": round(measure(labels, scores), 4),
            "ci95": [round(float(low), 4), round(float(high), 4)],
        }
    return figures
