"""`verify` against nginx, Apache and Caddy with the emitted configurations: they pass, strictly; a slip is named."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import webipred
from browser.full_sites import assemble_colour_site
from browser.servers import run_server
from webipred.site.writing import write_site
from webipred.verify.verification import Verification, pin_reference, verify_address

SERVERS = ("nginx", "apache", "caddy")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """The written site, in a place that a server without the rights of this user can read."""
    place = Path(tempfile.mkdtemp(prefix="webipred-verify-"))
    place.chmod(0o755)
    write_site(assemble_colour_site(), place / "dist")
    yield place
    shutil.rmtree(place)


def verify(name: str, site: Path, reference: Path, work: Path) -> Verification:
    with run_server(name, site, work, "/some/sub-path/") as port:
        url = f"http://127.0.0.1:{port}/some/sub-path/"
        return verify_address(url, f"webipred {webipred.__version__}", pin_reference(reference))


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_with_the_emitted_configuration_passes(folder: Path, name: str) -> None:
    verification = verify(name, folder / "dist", folder / "dist", folder / f"{name}-right")
    assert ([], True) == (
        [str(finding) for finding in verification.findings if finding.severity != "note"],
        verification.judge(strict=True),
    )


def test_a_header_that_an_administrator_took_out_is_named(folder: Path) -> None:
    loose = Path(shutil.copytree(folder / "dist", folder / "loose"))
    config = loose / "policies/nginx.conf"
    lines = config.read_text(encoding="ascii").splitlines(keepends=True)
    config.write_text("".join(line for line in lines if "Cross-Origin-Opener-Policy" not in line), encoding="ascii")
    verification = verify("nginx", loose, folder / "dist", folder / "nginx-loose")
    assert {"E-VERIFY-CHANGED", "E-VERIFY-HEADER"} == {
        finding.code for finding in verification.findings if finding.severity == "error"
    }
    assert ("policies/nginx.conf",) == verification.differences.changed
