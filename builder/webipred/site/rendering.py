"""One page from one template: language, relative addresses, and the page's own policy with pinned style and script."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from webipred.catalog.catalog import SiteSpec
from webipred.catalog.node import LocalText, translate
from webipred.site.emission import hash_source
from webipred.site.icon import inline_icon
from webipred.site.markdown import mark_code, render_markdown
from webipred.site.policy import static_page_policy
from webipred.site.templates import read_page
from webipred.site.texts import load_texts

LANGUAGE_NAMES: Final[Mapping[str, str]] = {"en": "English", "de": "Deutsch"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What all pages of a site share.

    Style and scripts stand inside each page and are pinned by their hashes: no page fetches code, `script-src` and
    `style-src` need no 'self' (on a shared origin that would admit the neighbours' files), a saved page keeps its
    looks, and 404.html works at any depth.
    """

    site: SiteSpec
    build_id: str
    generator: str
    style: str
    icon_path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a page stands: its language, its path below the language's folder, and whether it has languages at all."""

    path: str
    language: str
    default_language: str

    @property
    def full_path(self) -> str:
        return locate(self.path, self.language, self.default_language)

    def reach(self, target: str, language: str | None = None) -> str:
        """Return the relative address of `target` (a path below the folder of `language`, default: this one's)."""
        return self.reach_root(locate(target, language or self.language, self.default_language))

    def reach_root(self, target: str) -> str:
        """Return the relative address of `target`, a path from the root of the site."""
        return "../" * self.full_path.count("/") + target or "./"


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageLink:
    """A link to the same page in another language."""

    code: str
    name: str
    url: str
    current: bool


MakePolicy = Callable[[Sequence[str], Sequence[str]], str]
"""From the hashes of a page's scripts and of its styles to its policy."""


def locate(path: str, language: str, default_language: str) -> str:
    """Return the path from the root: the default language stands there itself, others in a folder of their name."""
    return path if language == default_language else f"{language}/{path}"


def render_page(
    layout: Layout,
    place: Place,
    template: str,
    content: Mapping[str, object],
    script: str | None = None,
    make_policy: MakePolicy = static_page_policy,
) -> tuple[str, bytes]:
    """Return (path, bytes) of the page made from pages/<template>.html.jinja.

    The template sees `content`, `t` (texts), `site`, `reach`, `reach_root` and what the base layout needs. `script`
    is the source of the page's one script; `make_policy` gets the hashes of scripts and styles.
    """
    texts = load_texts(place.language)
    shared: dict[str, object] = {
        "t": texts.say,
        "template": texts.texts.__getitem__,
        "known": texts.knows,
        "number": texts.number,
        "exact": texts.exact,
        "megabytes": texts.megabytes,
        "language": place.language,
        "languages": _link_languages(layout, place),
        "reach": place.reach,
        "reach_root": place.reach_root,
        "site": layout.site,
        "build_id": layout.build_id,
        "generator": layout.generator,
        "icon": place.reach_root(layout.icon_path),
        "inline_icon": inline_icon(),
        "policy": make_policy([hash_source(script)] if script else [], [hash_source(layout.style)]),
        "style": _trust_source(layout.style, "style"),
        "script": _trust_source(script, "script") if script else None,
    }
    page = _make_environment(place.language).get_template(f"{template}.html.jinja")
    return place.full_path, page.render({**shared, **content}).encode()


def _trust_source(source: str, tag: str) -> Markup:
    if f"</{tag}" in source.lower():
        raise ValueError(f"the inlined {tag} holds </{tag}, which would end it early")
    return Markup(source)  # noqa: S704  # built by us from site_templates/, and pinned by its hash


def _link_languages(layout: Layout, place: Place) -> Sequence[LanguageLink]:
    return [
        LanguageLink(
            code=code,
            name=LANGUAGE_NAMES.get(code, code),
            url=place.reach(place.path.removesuffix("index.html"), code),
            current=code == place.language,
        )
        for code in layout.site.languages
    ]


@cache
def _make_environment(language: str) -> Environment:
    def translate_text(text: LocalText) -> str:
        return translate(text, language)

    environment = Environment(
        loader=FunctionLoader(read_page),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["local"] = translate_text
    environment.filters["markdown"] = render_markdown
    environment.filters["code_spans"] = mark_code
    return environment
