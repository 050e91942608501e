"""The driver of Firefox sees frames and files; the tests of the real page build on it."""

from pathlib import Path

import pytest

from browser.firefox import BidiError, Firefox

pytestmark = pytest.mark.browser

PAGE = """<!doctype html><title>t</title><input type=file>
<iframe sandbox="allow-scripts" srcdoc="<p id=inside>framed</p>"></iframe>"""


def test_a_sandboxed_frame_can_be_evaluated_in(firefox: Firefox, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(PAGE, encoding="utf-8")
    tab = firefox.open((tmp_path / "page.html").as_uri())
    tab.wait_for_frames(2)
    assert "framed" == tab.wait("document.getElementById('inside')?.textContent", frame=1)


def test_files_can_be_chosen(firefox: Firefox, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(PAGE, encoding="utf-8")
    tab = firefox.open((tmp_path / "page.html").as_uri())
    tab.choose_files("input", [tmp_path / "page.html"])
    assert ["page.html"] == tab.evaluate("[...document.querySelector('input').files].map(({ name }) => name)")


def test_an_expression_that_throws_is_an_error(firefox: Firefox) -> None:
    tab = firefox.open("about:blank")
    with pytest.raises(BidiError, match="no such thing"):
        tab.evaluate("(() => { throw new Error('no such thing'); })()")
