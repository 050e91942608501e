"""Short ways to run preprocessing steps on an image in tests, and images for property tests."""

from collections.abc import Mapping
from typing import Final

import numpy
from hypothesis import strategies
from numpy.typing import NDArray
from pydantic import TypeAdapter

from webipred.catalog.preprocessing import Step
from webipred.engine.preprocessor import Preprocessor
from webipred.engine.program import encode_program

STEPS: Final = TypeAdapter(list[Step])
SIDES: Final = strategies.one_of(strategies.integers(1, 12), strategies.integers(1, 90))

Image = NDArray[numpy.uint8]


def run_steps(
    preprocessor: Preprocessor, image: Image, height: int, width: int, *steps: Mapping[str, object]
) -> NDArray[numpy.float32]:
    """Compile and run `steps`; the result must be height × width."""
    parsed = STEPS.validate_python(list(steps))
    program = encode_program(parsed, image_channels=image.shape[2], height=height, width=width)
    return preprocessor.run(program, image)


def run_in_place(preprocessor: Preprocessor, image: Image, *steps: Mapping[str, object]) -> NDArray[numpy.float32]:
    """Run `steps` that keep the size."""
    return run_steps(preprocessor, image, image.shape[0], image.shape[1], *steps)


@strategies.composite
def images(draw: strategies.DrawFn, channels: tuple[int, ...] = (1, 3)) -> Image:
    """Noise, black and white noise, or a flat image, of any small size."""
    height, width, depth = draw(SIDES), draw(SIDES), draw(strategies.sampled_from(channels))
    noise = numpy.random.default_rng(draw(strategies.integers(0, 2**32))).integers(0, 256, (height, width, depth))
    kind = draw(strategies.sampled_from(["noise", "extremes", "flat"]))
    if kind == "extremes":
        noise = (noise > 127) * 255
    if kind == "flat":
        noise = numpy.full_like(noise, noise.flat[0])
    return noise.astype(numpy.uint8)
