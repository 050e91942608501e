"""Which addresses may be reached, and by how many steps."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from fake_zenodo import FakeZenodo, Fault
from source_cases import ARCHIVE, NAME, RECORD, zenodo_entry
from webipred.errors import NetworkError
from webipred.sources.connection import NETWORK_CODES, Backoff, Connection, fail, is_loopback, is_public
from webipred.sources.fetch import lock_source
from webipred.sources.options import FetchOptions


def open_failure(options: FetchOptions, base: str, url: str, *addresses: str) -> str:
    with (
        Connection(options, base, "entry.source", lambda host, port: addresses) as connection,
        pytest.raises(NetworkError) as caught,
    ):
        connection.open(url, {}, Backoff(options, "entry.source"))
    return str(caught.value)


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://example.org/x", "http://example.org is neither"),
        ("https://example.org/x", "https://example.org is neither"),
        ("file:///etc/passwd", "file:// is neither"),
        ("http://169.254.169.254/latest", "http://169.254.169.254 is neither"),
        ("http://[::ffff:10.0.0.1]/", "http://[::ffff:10.0.0.1] is neither"),
        ("http://localhost:1/", "http://localhost:1 is neither"),
        ("http://huggingface.co.evil.example/", "is neither"),
        ("http://cdn.hf.co/x", "it is not https"),
    ],
)
def test_a_redirect_to_another_place_is_refused(
    zenodo: FakeZenodo, options: FetchOptions, location: str, reason: str
) -> None:
    zenodo.add_fault("/api/records/", Fault(kind="redirect", location=location))
    with pytest.raises(NetworkError) as caught:
        lock_source(zenodo_entry(), Path(), options)
    assert "E-HTTP-TARGET" == caught.value.finding.code
    assert reason in str(caught.value)


@pytest.mark.parametrize("location", ["http://xn--a/", "javascript:1", "http://[/"])
def test_a_redirect_to_what_is_no_address_is_refused(zenodo: FakeZenodo, options: FetchOptions, location: str) -> None:
    zenodo.add_fault("/api/records/", Fault(kind="redirect", location=location))
    with pytest.raises(NetworkError) as caught:
        lock_source(zenodo_entry(), Path(), options)
    assert "E-HTTP-TARGET" == caught.value.finding.code


def test_a_redirect_loop_ends_after_three_steps(zenodo: FakeZenodo, options: FetchOptions) -> None:
    zenodo.add_fault("/api/records/", *[Fault(kind="redirect", location="/api/records/7785993")] * 20)
    with pytest.raises(NetworkError, match=r"was redirected more than 3 times, last to .*\[E-HTTP-REDIRECTS\]"):
        lock_source(zenodo_entry(), Path(), options)
    assert 4 == len(zenodo.requests)


def test_a_redirect_within_the_server_is_followed(zenodo: FakeZenodo, options: FetchOptions) -> None:
    zenodo.add_fault("/api/records/", Fault(kind="redirect", location="/api/records/7785993"))
    assert 7785993 == lock_source(zenodo_entry(), Path(), options).record


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "192.168.0.9", "169.254.169.254", "::1", "fd00::1"])
def test_a_public_name_with_a_private_address_is_refused(options: FetchOptions, address: str) -> None:
    message = open_failure(options, "https://zenodo.org", "https://zenodo.org/x", "8.8.8.8", address)
    assert f"its address {address} is not public" in message


def test_a_private_host_that_is_named_may_be_used(zenodo: FakeZenodo, options: FetchOptions) -> None:
    named = FetchOptions(cache_dir=options.cache_dir, private_hosts=("127.0.0.1",))
    with Connection(named, zenodo.base_url, "entry.source", lambda host, port: ["10.0.0.1"]) as connection:
        response = connection.open(f"{zenodo.base_url}/api/records/7785993", {}, Backoff(named, "entry.source"))
        response.close()
    assert 200 == response.status_code


def test_a_name_that_answers_from_elsewhere_is_refused(zenodo: FakeZenodo, options: FetchOptions) -> None:
    # The name resolved to a public address when it was judged, and to this machine when it was connected to.
    stranger = FetchOptions(cache_dir=options.cache_dir, redirect_hosts=("127.0.0.1",))
    with Connection(stranger, "https://zenodo.org", "entry.source", lambda host, port: ["8.8.8.8"]) as connection:
        response = connection._client.send(connection._client.build_request("GET", zenodo.base_url), stream=True)
        with pytest.raises(NetworkError, match=r"127\.0\.0\.1 answered from 127\.0\.0\.1, which is not a public addr"):
            connection._check_peer(response)
    assert response.is_closed


def test_a_proxy_is_asked_instead_of_the_server(zenodo: FakeZenodo, options: FetchOptions) -> None:
    nowhere = "http://localhost:1"
    zenodo.add_record(RECORD, {NAME: ARCHIVE}, file_base=nowhere)
    behind = replace(options, zenodo_base=nowhere, proxy=zenodo.base_url)
    assert len(ARCHIVE) == lock_source(zenodo_entry(), Path(), behind).size_bytes
    assert {True} == {request.path.startswith(f"{nowhere}/api/records/") for request in zenodo.requests}


def test_an_answer_has_a_deadline(zenodo: FakeZenodo, options: FetchOptions) -> None:
    times = iter(range(0, 10_000_000, 4000))
    with pytest.raises(NetworkError, match=r"127\.0\.0\.1 had not finished its answer after 3600 seconds"):
        lock_source(zenodo_entry(), Path(), replace(options, clock=lambda: float(next(times))))


def test_a_name_that_cannot_be_resolved_fails_at_once(options: FetchOptions) -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise OSError(-2, "Name or service not known")

    with (
        Connection(options, "https://zenodo.org", "entry.source", unknown) as connection,
        pytest.raises(NetworkError) as caught,
    ):
        connection.open("https://zenodo.org/api", {}, Backoff(options, "entry.source"))
    assert (
        "entry.source: the name zenodo.org cannot be resolved (Name or service not known). "
        "Check that this machine is online, or use --offline. [E-HTTP-DNS]"
    ) == str(caught.value)


def test_a_user_name_in_an_address_is_refused(options: FetchOptions) -> None:
    message = open_failure(options, "https://zenodo.org", "https://someone:secret@zenodo.org/x", "8.8.8.8")
    assert "it holds a user name" in message


@pytest.mark.parametrize("base", ["https://zenodo.org:port", "https://xn--a", "zenodo.org"])
@pytest.mark.parametrize("offline", [False, True])
def test_an_address_that_is_none_is_refused(options: FetchOptions, base: str, offline: bool) -> None:
    with pytest.raises(NetworkError, match="is no address"):
        Connection(replace(options, offline=offline), base, "entry.source")


def test_the_network_codes_are_those_that_the_documentation_marks(repository: Path) -> None:
    reference = (repository / "docs/findings.md").read_text(encoding="utf-8")
    assert sorted(NETWORK_CODES) == sorted(
        re.findall(r"^\| `(E-[A-Z-]+)` \|[^|]*\| Network: ", reference, re.MULTILINE)
    )


def test_a_network_error_with_a_code_of_another_kind_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        fail("E-SOURCE-SIZE", "entry.source", "what", "fix")


@pytest.mark.parametrize(("address", "public"), [
    ("8.8.8.8", True), ("2001:4860:4860::8888", True), ("127.0.0.1", False), ("::ffff:10.0.0.1", False),
    ("2002:0a00:0001::1", False), ("224.0.0.1", False), ("100.64.0.1", False), ("fe80::1%eth0", False),
])  # fmt: skip
def test_public_addresses_are_told_from_others(address: str, public: bool) -> None:
    assert public == is_public(address)


@pytest.mark.parametrize(("host", "own"), [("localhost", True), ("127.0.0.9", True), ("::1", True), ("x.org", False)])
def test_the_own_machine_is_recognised(host: str, own: bool) -> None:
    assert own == is_loopback(host)
