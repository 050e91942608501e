import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

import bundles
from webipred.site.outcomes import EntryOutcome, describe_bundle, describe_unpublished
from webipred.site.report_text import escape_markdown, render_report_text, render_reports_markdown, render_reports_text


@pytest.fixture
def outcomes() -> list[EntryOutcome]:
    catalog = bundles.make_catalog()
    published = [describe_bundle(bundle) for bundle in bundles.make_bundles(catalog)]
    return published + [describe_unpublished(item) for item in bundles.make_unpublished(catalog)]


def test_a_published_entry_lists_its_checks(outcomes: list[EntryOutcome]) -> None:
    expected = (
        "red-or-blue 1.2.0: published\n"
        "  passed  graph        well formed, 3 nodes of 3 operators\n"
        "  passed  interface    8 × 8 × 3 → 2\n"
        "  passed  licence      allowed by the policy\n"
        "  passed  class-order  2 of 2 samples as labelled\n"
    )
    assert expected == render_report_text(outcomes[0])


def test_a_failed_entry_says_where_what_and_what_to_do(outcomes: list[EntryOutcome]) -> None:
    line = (
        "  error: retina.samples: <b>2 of 2</b> samples come out as another class. "
        "Check the order of `classes`. [E-CLASS-ORDER]\n"
    )
    assert render_report_text(outcomes[3]).endswith(line)


def test_several_reports_are_separated_by_an_empty_line(outcomes: list[EntryOutcome]) -> None:
    assert 4 == len(render_reports_text(outcomes).split("\n\n"))


def test_markdown_counts_errors_and_warnings(outcomes: list[EntryOutcome]) -> None:
    lines = render_reports_markdown(outcomes).splitlines()
    assert "| chest-findings | 0.9.1 | published | 3 of 4 | 0 | 1 |" in lines
    assert "| retina | 1.2.0 | failed | 0 of 1 | 1 | 0 |" in lines


def test_markdown_shows_the_text_of_findings_as_text(outcomes: list[EntryOutcome]) -> None:
    assert "<b>" not in MarkdownIt("commonmark").render(render_reports_markdown(outcomes))


@given(st.text(alphabet=st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=40))
def test_escaped_text_is_shown_as_it_is(text: str) -> None:
    words = " ".join(text.split())
    tokens = MarkdownIt("commonmark").parseInline("x " + escape_markdown(text))[0].children or []
    assert ("x " + words).strip() == "".join(token.content for token in tokens).strip()
