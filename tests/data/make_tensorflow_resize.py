"""Write tests/data/tensorflow_resize.json: what tf.image.resize makes of small images.

Needs TensorFlow, which the tests do not: run it by hand where TensorFlow is installed,
`python tests/data/make_tensorflow_resize.py`. Made with TensorFlow 2.21.0.
"""

import json
from pathlib import Path

import numpy
import tensorflow

SIZES = [(5, 7, 3, 4, 3), (8, 6, 12, 13, 1), (9, 9, 3, 3, 1), (1, 5, 4, 2, 3), (17, 30, 11, 8, 1), (6, 10, 6, 25, 1)]
VARIANTS = [
    ("nearest", False),
    ("bilinear", False),
    ("bicubic", False),
    ("area", False),
    ("bilinear", True),
    ("bicubic", True),
]


def main() -> None:
    """Resize seeded noise in every way that the catalog knows."""
    cases = []
    for number, (height, width, new_height, new_width, channels) in enumerate(SIZES):
        pixels = numpy.random.default_rng(number).integers(0, 256, (height, width, channels), dtype=numpy.uint8)
        for method, antialias in VARIANTS:
            resized = tensorflow.image.resize(pixels, (new_height, new_width), method=method, antialias=antialias)
            cases.append(
                {
                    "method": method,
                    "antialias": antialias,
                    "input": pixels.tolist(),
                    "expected": numpy.round(resized.numpy().astype(float), 4).tolist(),
                }
            )
    document = {"made_by": f"TensorFlow {tensorflow.__version__}", "cases": cases}
    Path(__file__).with_name("tensorflow_resize.json").write_text(json.dumps(document, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
