from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webipred.site.markdown import mark_code, render_markdown, strip_markdown

ALLOWED_TAGS = {"p", "ul", "ol", "li", "em", "strong", "code", "br", "a"}


class Collector(HTMLParser):
    """Every element of a fragment with its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))


def collect(html: str) -> list[tuple[str, dict[str, str | None]]]:
    collector = Collector()
    collector.feed(html)
    collector.close()
    return collector.elements


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a *b* **c** `d<e`", "<p>a <em>b</em> <strong>c</strong> <code>d&lt;e</code></p>\n"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"),
        ("one\n\ntwo", "<p>one</p>\n<p>two</p>\n"),
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n"),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>\n"),
        ("[x](data:text/html,y)", "<p>[x](data:text/html,y)</p>\n"),
        ("[x](http://a.b)", "<p>[x](http://a.b)</p>\n"),
        ("[x](//a.b)", "<p>[x](//a.b)</p>\n"),
        ("# no heading", "<p># no heading</p>\n"),
    ],
)
def test_the_subset_is_rendered_and_the_rest_shown_as_text(text: str, html: str) -> None:
    assert html == render_markdown(text)


def test_links_lead_to_https_without_referrer_and_opener() -> None:
    expected = [("a", {"href": "https://doi.org/10.1/x", "rel": "noopener noreferrer"})]
    assert expected == collect(render_markdown('[x](https://doi.org/10.1/x "title")'))[1:]


def test_a_doi_address_becomes_its_page() -> None:
    assert "https://doi.org/10.5281/zenodo.1" == collect(render_markdown("[x](doi:10.5281/zenodo.1)"))[1][1]["href"]


def test_an_image_is_not_fetched() -> None:
    assert ["p", "a"] == [tag for tag, _ in collect(render_markdown("![x](https://a.b/c.png)"))]


def test_words_remain_when_marks_are_stripped() -> None:
    assert "a b c <i> d\ne" == strip_markdown("a *b* [c](https://x.y) <i>\nd\n\n- e")


def test_findings_show_code_between_backticks_and_escape_the_rest() -> None:
    assert "run <code>a &lt;b&gt;</code> &amp; `c" == mark_code("run `a <b>` & `c")


@given(st.text(alphabet=st.sampled_from("<>&\"'*_`[]()!#-+.:/ \n\\javscriptonhref=xhtps1dw;"), max_size=80))
def test_no_text_gives_an_element_or_attribute_outside_the_subset(text: str) -> None:
    for tag, attributes in collect(render_markdown(text)):
        assert tag in ALLOWED_TAGS
        assert set(attributes) <= ({"href", "rel"} if tag == "a" else {"start"} if tag == "ol" else set())
        assert (attributes.get("href") or "https://").startswith("https://")
