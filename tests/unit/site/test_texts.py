import json
import re

import pytest

from webipred.errors import FindingsError
from webipred.site.templates import find_templates, list_locales, read_locale
from webipred.site.texts import load_texts

PLACEHOLDERS = re.compile(r"\{\w+\}")
# Keys that templates put together from a prefix and a value.
PREFIXES = (
    "check_", "class_", "classes_", "filter_", "format_", "input_", "like_", "live_", "method_", "metric_",
    "modality_", "outcome_", "privacy_", "proof_", "role_", "severity_", "sheet_", "status_", "step_", "task_",
    "unpublished_",
)  # fmt: skip


def read_templates() -> str:
    pages = find_templates() / "pages"
    return "".join(page.read_text(encoding="utf-8") for page in pages.iterdir())


def test_english_and_german_are_there() -> None:
    assert ["de", "en"] == list_locales()


def test_every_language_has_the_same_keys() -> None:
    assert list(json.loads(read_locale("en"))) == list(json.loads(read_locale("de")))


def test_every_language_has_the_same_placeholders() -> None:
    english, german = json.loads(read_locale("en")), json.loads(read_locale("de"))
    assert [] == [k for k in english if set(PLACEHOLDERS.findall(english[k])) != set(PLACEHOLDERS.findall(german[k]))]


def test_every_key_is_used() -> None:
    templates = read_templates()
    unused = [
        key
        for key in json.loads(read_locale("en"))
        if f'"{key}"' not in templates and f"'{key}'" not in templates and not key.startswith(PREFIXES)
    ]
    assert [] == unused


def test_an_untranslated_language_is_refused_with_the_translated_ones() -> None:
    with pytest.raises(FindingsError, match=r"not translated into 'fr'\. Use de or en\."):
        load_texts("fr")


def test_placeholders_are_filled() -> None:
    assert "Models shown: 1 of 1,234" == load_texts("en").say("count_some", shown=1, total=1234)


def test_numbers_follow_the_language() -> None:
    assert ("1,234.50", "1\u202f234,50") == (load_texts("en").number(1234.5, 2), load_texts("de").number(1234.5, 2))


@pytest.mark.parametrize(("value", "text"), [(255.0, "255"), (1e-5, "0.00001"), (-0.5, "−0.5")])
def test_exact_numbers_have_all_decimals_and_no_more(value: float, text: str) -> None:
    assert text == load_texts("en").exact(value)


@pytest.mark.parametrize(
    ("size", "text"), [(262, "0.3\u00a0kB"), (99_999, "100.0\u00a0kB"), (30_123_456, "30.1\u00a0MB")]
)
def test_sizes_are_in_decimal_units(size: int, text: str) -> None:
    assert text == load_texts("en").megabytes(size)
