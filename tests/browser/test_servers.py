"""nginx, Apache and Caddy with the emitted configurations send what the model says, and the vault is isolated."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from browser.full_sites import assemble_colour_site
from browser.servers import ask, run_server
from webipred.site.assembly import Site
from webipred.site.headers import ServingPolicy, read_serving_policy
from webipred.site.table import FileTable
from webipred.site.writing import write_site

pytestmark = pytest.mark.browser

SERVERS = ("nginx", "apache", "caddy")
PREFIXES = ("/", "/some/sub-path/")


@pytest.fixture(scope="module")
def site() -> Site:
    return assemble_colour_site()


@pytest.fixture(scope="module")
def policy(site: Site) -> ServingPolicy:
    return read_serving_policy(site.table)


@pytest.fixture(scope="module")
def folder(site: Site) -> Iterator[Path]:
    """The written site, in a place that a server without the rights of this user can read."""
    place = Path(tempfile.mkdtemp(prefix="webipred-servers-"))
    place.chmod(0o755)
    write_site(site, place / "dist")
    yield place
    shutil.rmtree(place)


@pytest.fixture(scope="module", params=[(name, prefix) for name in SERVERS for prefix in PREFIXES], ids=str)
def server(request: pytest.FixtureRequest, folder: Path) -> Iterator[tuple[int, str]]:
    """Port and prefix of a running server."""
    name, prefix = request.param
    work = folder / f"{name}-{PREFIXES.index(prefix)}"
    with run_server(name, folder / "dist", work, prefix) as port:
        yield port, prefix


def differences(table: FileTable, policy: ServingPolicy, port: int, prefix: str) -> list[str]:
    found = []
    for path, data in table:
        status, headers, body = ask(port, f"{prefix}{path.removesuffix('index.html')}")
        if (status, body) != (200, data):
            found.append(f"{path}: status {status}, {len(body)} bytes")
        for name, value in policy.list_headers(path).items():
            sent = headers.get(name.lower())
            if sent != value:
                found.append(f"{path}: {name} is {sent!r}, not {value!r}")
    return found


def test_every_file_comes_with_the_headers_and_type_of_the_model(
    site: Site, policy: ServingPolicy, server: tuple[int, str]
) -> None:
    table = FileTable(file for file in site.table if file[0] != ".nojekyll")  # for GitHub only; servers hide dot files
    assert [] == differences(table, policy, *server)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_no_method_but_get_and_head_is_answered(server: tuple[int, str], method: str) -> None:
    port, prefix = server
    assert ask(port, f"{prefix}index.html", method)[0] in (403, 405)
    assert ask(port, f"{prefix}sw.js", method)[0] in (403, 405)


@pytest.mark.parametrize("path", ["?x=1", "index.html?0", "predict/?leak", "sw.js?v=2", "manifest.json?a"])
def test_queries_are_refused(server: tuple[int, str], path: str) -> None:
    port, prefix = server
    assert 400 == ask(port, f"{prefix}{path}")[0]


def test_errors_carry_the_closed_policy_too(server: tuple[int, str]) -> None:
    port, prefix = server
    status, headers, _ = ask(port, f"{prefix}nothing/here")
    assert 404 == status
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert "nosniff" == headers["x-content-type-options"]


def test_a_folder_without_its_slash_leads_to_the_folder(server: tuple[int, str]) -> None:
    port, prefix = server
    status, headers, _ = ask(port, f"{prefix}predict")
    assert status in (301, 302, 308)
    assert headers["location"].endswith(f"{prefix}predict/")


@pytest.mark.parametrize("name", SERVERS)
def test_the_vault_is_isolated_by_the_headers_alone(browser: Browser, folder: Path, name: str) -> None:
    """Without its service worker, which would send the same headers and hide a fault of the server's."""
    with run_server(name, folder / "dist", folder / f"{name}-vault", "/a/b/") as port:
        assert [True, True] == measure_isolation(browser, f"http://127.0.0.1:{port}/a/b/predict/#red-or-blue")


def test_a_permission_for_the_own_origin_only_would_be_noticed(browser: Browser, folder: Path) -> None:
    """The vault's origin is opaque, so (self) takes its isolation away while the page keeps its own."""
    shutil.copytree(folder / "dist", folder / "trap")
    config = folder / "trap/policies/nginx.conf"
    config.write_text(config.read_text().replace("cross-origin-isolated=*", "cross-origin-isolated=(self)"))
    with run_server("nginx", folder / "trap", folder / "nginx-trap", "/a/b/") as port:
        assert [True, False] == measure_isolation(browser, f"http://127.0.0.1:{port}/a/b/predict/#red-or-blue")


def measure_isolation(browser: Browser, address: str) -> list[bool]:
    """Return whether page and vault can share memory, once the engine has passed its test."""
    context = browser.new_context(locale="en-GB")
    page = context.new_page()
    page.add_init_script("delete Navigator.prototype.serviceWorker")
    page.goto(address)
    page.get_by_role("button", name="Load model").click()
    passed = page.frame_locator("iframe").get_by_text("Same answers as the reference on this computer: 3 of 3")
    expect(passed).to_be_visible(timeout=120_000)
    shares = "() => crossOriginIsolated && new SharedArrayBuffer(8).byteLength === 8"
    isolated = [bool(frame.evaluate(shares)) for frame in page.frames]
    context.close()
    return isolated
