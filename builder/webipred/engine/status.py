"""The engine's status codes, as in builder/engine/engine.h, with the sentence that a person reads for each."""

from enum import IntEnum

from webipred.errors import FindingsError, refuse


class Status(IntEnum):
    """What `preprocess` returns; the numbers are part of the ABI and never change their meaning."""

    OK = 0
    MEMORY = 1
    POINTER = 2
    PROGRAM_SIZE = 3
    PROGRAM_MAGIC = 4
    PROGRAM_VERSION = 5
    PROGRAM_STEP = 6
    PROGRAM_PARAMETER = 7
    IMAGE_EMPTY = 8
    IMAGE_TOO_LARGE = 9
    IMAGE_CHANNELS = 10
    STEP_CHANNELS = 11
    STEP_TYPE = 12
    CROP_TOO_LARGE = 13
    VALUE_RANGE = 14
    INTERMEDIATE_TOO_LARGE = 15
    RESULT_SHAPE = 16
    NOT_FINITE = 17


PROBLEMS: dict[Status, tuple[str, str, str]] = {
    Status.MEMORY: (
        "E-PREPROCESS-MEMORY",
        "The image needs more memory than the engine may use.",
        "Use a smaller image.",
    ),
    Status.POINTER: (
        "E-PREPROCESS-INTERNAL",
        "The engine was called with an address outside its memory.",
        "This is a fault of the program; please report it.",
    ),
    Status.PROGRAM_SIZE: (
        "E-PREPROCESS-PROGRAM",
        "The preprocessing program is cut off or too long.",
        "Build the model's bundle again.",
    ),
    Status.PROGRAM_MAGIC: (
        "E-PREPROCESS-PROGRAM",
        "These bytes are no preprocessing program.",
        "Build the model's bundle again.",
    ),
    Status.PROGRAM_VERSION: (
        "E-PREPROCESS-PROGRAM",
        "The preprocessing program has a format version that this engine does not know.",
        "Build the model's bundle again with this version of webipred.",
    ),
    Status.PROGRAM_STEP: (
        "E-PREPROCESS-PROGRAM",
        "The preprocessing program holds a step that this engine does not know.",
        "Build the model's bundle again with this version of webipred.",
    ),
    Status.PROGRAM_PARAMETER: (
        "E-PREPROCESS-PROGRAM",
        "A step of the preprocessing program has a parameter outside its range.",
        "Build the model's bundle again.",
    ),
    Status.IMAGE_EMPTY: ("E-PREPROCESS-EMPTY", "The image has no pixels.", "Check how the file was made."),
    Status.IMAGE_TOO_LARGE: (
        "E-PREPROCESS-TOO-LARGE",
        "The image has more than 64 million pixels.",
        "Use a smaller image or a cut-out.",
    ),
    Status.IMAGE_CHANNELS: (
        "E-PREPROCESS-CHANNELS",
        "The image has not the number of channels that the model's preprocessing starts with.",
        "Decode it with the model's own input rules.",
    ),
    Status.STEP_CHANNELS: (
        "E-PREPROCESS-CHANNELS",
        "A preprocessing step cannot work on this number of channels.",
        "Correct the entry's preprocessing: caffe and torch need three channels.",
    ),
    Status.STEP_TYPE: (
        "E-PREPROCESS-TYPE",
        "A preprocessing step cannot work on values of this type.",
        "Correct the entry's preprocessing: Pillow's gray and whole fill values belong to 8-bit images.",
    ),
    Status.CROP_TOO_LARGE: (
        "E-PREPROCESS-CROP",
        "The image is smaller than the part that the model's preprocessing cuts out.",
        "Use the full-size image.",
    ),
    Status.VALUE_RANGE: (
        "E-PREPROCESS-RANGE",
        "A value lies outside 0 to 255 where the model's preprocessing needs that range.",
        "Correct the order of the entry's preprocessing steps.",
    ),
    Status.INTERMEDIATE_TOO_LARGE: (
        "E-PREPROCESS-TOO-LARGE",
        "A preprocessing step would make an image of more than 64 million pixels out of this one.",
        "Use an image that is less narrow, or a smaller one.",
    ),
    Status.RESULT_SHAPE: (
        "E-PREPROCESS-SHAPE",
        "After preprocessing, the image has not the size that the model takes.",
        "Use an image of exactly the model's input size, or add a resize step to the entry.",
    ),
    Status.NOT_FINITE: (
        "E-PREPROCESS-FINITE",
        "Preprocessing gives values that are no finite numbers.",
        "Correct the factors in the entry's preprocessing.",
    ),
}
"""Finding code, what is wrong, what to do."""


def explain_status(code: int) -> FindingsError:
    """Return the error for a status other than OK; a number that nobody knows is an internal fault."""
    known = Status(code) if code in Status.__members__.values() else Status.POINTER
    finding_code, what, fix = PROBLEMS[known]
    return refuse(finding_code, "preprocessing", what, fix)
