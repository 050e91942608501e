"""The icon of the site: a lens over a grid of pixels, as SVG; no file from elsewhere."""

from base64 import b64encode

ICON_SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
    b'<rect width="32" height="32" rx="7" fill="#0a5a7d"/>'
    b'<g fill="#fff"><rect x="7" y="7" width="6" height="6" rx="1" opacity=".55"/>'
    b'<rect x="15" y="7" width="6" height="6" rx="1"/><rect x="7" y="15" width="6" height="6" rx="1"/>'
    b'<rect x="15" y="15" width="6" height="6" rx="1" opacity=".55"/></g>'
    b'<path d="M20.5 20.5 L26 26" stroke="#fff" stroke-width="3" stroke-linecap="round"/></svg>\n'
)


def inline_icon() -> str:
    """Return the icon as a data: address, for the one page that does not know where it stands (404.html)."""
    return f"data:image/svg+xml;base64,{b64encode(ICON_SVG).decode('ascii')}"
