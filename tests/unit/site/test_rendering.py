from pathlib import PurePosixPath

import pytest

import bundles
from webipred.site.emission import hash_source
from webipred.site.rendering import Layout, Place, render_page

STYLE = "p { color: red }"


def make_layout(style: str = STYLE) -> Layout:
    return Layout(
        site=bundles.make_catalog(title='A <b> & "c"').site,
        build_id="0123456789abcdef",
        generator="webipred 1",
        style=style,
        icon_path="assets/icon.svg",
    )


@pytest.mark.parametrize(
    ("path", "language", "target", "address"),
    [
        ("index.html", "en", "", "./"),
        ("index.html", "en", "privacy/", "privacy/"),
        ("index.html", "de", "", "../de/"),
        ("models/a/index.html", "en", "", "../../"),
        ("models/a/index.html", "de", "models/b/", "../../../de/models/b/"),
    ],
)
def test_addresses_are_relative_and_stay_in_the_language(path: str, language: str, target: str, address: str) -> None:
    assert address == Place(path=path, language=language, default_language="en").reach(target)


def test_every_language_but_the_first_has_a_folder() -> None:
    german = Place(path="models/a/index.html", language="de", default_language="en")
    assert PurePosixPath("de/models/a/index.html") == PurePosixPath(german.full_path)
    assert "../../../models/a/" == german.reach("models/a/", "en")


def test_texts_of_the_catalog_are_escaped() -> None:
    _, page = render_page(
        make_layout(),
        Place(path="privacy/index.html", language="en", default_language="en"),
        "privacy",
        {"proof": None},
    )
    assert b"A &lt;b&gt; &amp; &#34;c&#34;" in page
    assert b"A <b>" not in page


def test_the_policy_is_the_first_element_and_pins_style_and_script() -> None:
    place = Place(path="privacy/index.html", language="en", default_language="en")
    page = (
        render_page(make_layout(), place, "privacy", {"proof": None}, script="start()")[1]
        .decode()
        .replace("&#39;", "'")
    )
    head = page[page.index("<head>") + 6 :].lstrip()
    policy = head[: head.index(">")]
    assert policy.startswith('<meta http-equiv="Content-Security-Policy" content="default-src \'none\';')
    assert f"script-src {hash_source('start()')}" in policy
    assert f"style-src {hash_source(STYLE)}" in policy
    assert "connect-src 'none'" in policy


def test_a_style_that_would_end_its_element_is_refused() -> None:
    place = Place(path="privacy/index.html", language="en", default_language="en")
    with pytest.raises(ValueError, match="holds </style"):
        render_page(make_layout("a{}</STYLE><script>"), place, "privacy", {"proof": None})
