"""Cases of the decision rule, for Python and for the page."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionCase:
    """Classes as (id, threshold) with their probabilities, and the ids that must be reported."""

    name: str
    classes: tuple[tuple[str, float | None], ...]
    probabilities: tuple[float, ...]
    expected: tuple[str, ...]
    multi_label: bool = False


NORMAL_OR_NOT = (("NORMAL", None), ("PNEUMONIA", 0.3))
CASES = (
    DecisionCase(name="most probable", classes=(("a", None), ("b", None)), probabilities=(0.4, 0.6), expected=("b",)),
    DecisionCase(name="tie goes to the first", classes=(("a", None), ("b", None)), probabilities=(0.5, 0.5),
                 expected=("a",)),
    DecisionCase(name="threshold reached though not most probable", classes=NORMAL_OR_NOT, probabilities=(0.65, 0.35),
                 expected=("PNEUMONIA",)),
    DecisionCase(name="threshold reached exactly", classes=NORMAL_OR_NOT, probabilities=(0.7, 0.3),
                 expected=("PNEUMONIA",)),
    DecisionCase(name="threshold not reached", classes=NORMAL_OR_NOT, probabilities=(0.71, 0.29), expected=("NORMAL",)),
    DecisionCase(name="most probable but below its threshold", classes=(("a", None), ("b", 0.9)),
                 probabilities=(0.2, 0.8), expected=("a",)),
    DecisionCase(name="largest excess of two", classes=(("a", 0.2), ("b", 0.5), ("c", None)),
                 probabilities=(0.45, 0.55, 0.0), expected=("a",)),
    DecisionCase(name="all have thresholds, none reached", classes=(("a", 0.9), ("b", 0.8)), probabilities=(0.6, 0.4),
                 expected=("a",)),
    DecisionCase(name="multi-label, two", classes=(("a", 0.5), ("b", 0.1), ("c", 0.9)), probabilities=(0.5, 0.2, 0.8),
                 expected=("a", "b"), multi_label=True),
    DecisionCase(name="multi-label, none", classes=(("a", 0.5), ("b", 0.5)), probabilities=(0.4, 0.2), expected=(),
                 multi_label=True),
)  # fmt: skip
