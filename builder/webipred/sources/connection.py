"""Careful HTTP: guarded addresses, few redirects, patience with busy servers and with nobody else."""

import email.utils
import functools
import ipaddress
import json
import socket
import ssl
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Final, Self

import httpx

from webipred.errors import NetworkError
from webipred.findings import Finding
from webipred.sources.options import FetchOptions

MAX_REDIRECTS: Final = 3
MAX_JSON_BYTES: Final = 10_000_000
TRY_LATER: Final = "Try again later; what was fetched before is kept in the cache."
REPORT_IT: Final = "Do not use this source until its operator has explained it."

NETWORK_CODES: Final = frozenset(
    {
        "E-OFFLINE-CACHE",
        "E-OFFLINE-SOCKET",
        "E-HTTP-TARGET",
        "E-HTTP-REDIRECTS",
        "E-HTTP-DNS",
        "E-HTTP-GAVE-UP",
        "E-HTTP-RATE",
        "E-HTTP-SLOW",
        "E-HTTP-SIZE",
        "E-DOWNLOAD-STATUS",
        "E-DOWNLOAD-ENCODING",
        "E-DOWNLOAD-SLOW",
        "E-ZENODO-STATUS",
    }
)
"""What `fail` may be called with: findings about the way to a server and not about the catalog."""

Resolver = Callable[[str, int], Iterable[str]]


def resolve_host(host: str, port: int) -> list[str]:
    """Return the addresses of a host name; raises OSError where there is none."""
    return sorted({str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)})


@functools.cache
def _make_tls_context() -> ssl.SSLContext:
    """Trust the public authorities and those that this machine trusts, such as a hospital's own.

    Reading them takes longer than a small download; they are read once.
    """
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context


class Backoff:
    """Counts the failures of one transfer and waits between them: 0.5, 1, 2, 4 … seconds, or as the server asks."""

    def __init__(self, options: FetchOptions, where: str) -> None:
        self._options = options
        self._where = where
        self._failures = 0

    def pause(self, problem: str, asked_s: float | None = None) -> None:
        """Wait before the next attempt; raises NetworkError when patience ends. `problem` is a clause without dot."""
        self._failures += 1
        if self._failures >= self._options.max_attempts:
            raise fail("E-HTTP-GAVE-UP", self._where, f"{problem}; gave up after {self._failures} attempts.", TRY_LATER)
        seconds = 0.5 * 2 ** (self._failures - 1) if asked_s is None else max(asked_s, 0.0)
        if seconds > self._options.longest_wait_s:
            what = f"{problem} and asks to wait {seconds:.0f} seconds, longer than {self._options.longest_wait_s:.0f}."
            raise fail("E-HTTP-RATE", self._where, what, TRY_LATER)
        self._options.sleep(seconds)


def fail(code: str, where: str, what: str, fix: str) -> NetworkError:
    """Return the NetworkError with that finding; raises KeyError for a code that is not in NETWORK_CODES."""
    if code not in NETWORK_CODES:
        raise KeyError(code)
    return NetworkError(Finding(code=code, where=where, what=what, fix=fix))


class Connection:
    """One client for one source. `base` is the address the source starts from; it decides what may be reached.

    Raises NetworkError E-OFFLINE-SOCKET when made while offline.
    """

    def __init__(self, options: FetchOptions, base: str, where: str, resolve: Resolver = resolve_host) -> None:
        self._base = _parse_base(base, where)
        if options.offline:
            what = f"--offline is set, but {self._base.host} would have to be asked."
            raise fail("E-OFFLINE-SOCKET", where, what, "Run the command once without --offline.")
        self.options = options
        self.where = where
        self._resolve = resolve
        self._client = httpx.Client(
            headers={"User-Agent": options.user_agent, "Accept-Encoding": "identity"},
            timeout=options.timeout_s,
            follow_redirects=False,
            trust_env=False,
            proxy=options.proxy,
            verify=_make_tls_context(),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def open(self, url: str, headers: Mapping[str, str], backoff: Backoff) -> httpx.Response:
        """Return the answer with its body unread; the caller closes it.

        Redirects are followed, 429 and 5xx waited out. Other answers, also 4xx, come back as they are.
        """
        while True:
            try:
                response = self._follow(url, headers)
            except httpx.TransportError as error:
                backoff.pause(f"{_host_of(url)} did not answer ({describe_transport(error)})")
                continue
            if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
                response.close()
                backoff.pause(f"{_host_of(url)} is busy (status 429)", self._read_wait(response.headers))
            elif response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
                response.close()
                backoff.pause(f"{_host_of(url)} answered with status {response.status_code}")
            else:
                return response

    def read_json(self, url: str) -> tuple[int, object]:
        """Return status and decoded JSON body (None if a 4xx has no JSON). HTML where JSON is due counts as busy."""
        backoff = Backoff(self.options, self.where)
        while True:
            response = self.open(url, {"Accept": "application/json"}, backoff)
            try:
                body = self._read_bounded(response)
                return response.status_code, json.loads(body)
            except (ValueError, RecursionError):
                if response.status_code >= httpx.codes.BAD_REQUEST:
                    return response.status_code, None
                backoff.pause(f"{_host_of(url)} answered with something that is not JSON")
            except httpx.TransportError as error:
                backoff.pause(f"{_host_of(url)} broke off its answer ({describe_transport(error)})")
            finally:
                response.close()

    def _check_target(self, url: httpx.URL) -> None:
        """Refuse an address that is not https, not public, or neither of the same origin nor allow-listed."""
        problem = self._judge_target(url, self._base)
        if problem:
            raise fail("E-HTTP-TARGET", self.where, f"{str(url)[:200]!r} is refused: {problem}.", REPORT_IT)

    def _follow(self, url: str, headers: Mapping[str, str]) -> httpx.Response:
        try:
            target = httpx.URL(url)
            for _ in range(MAX_REDIRECTS + 1):
                self._check_target(target)
                response = self._client.send(self._client.build_request("GET", target, headers=headers), stream=True)
                self._check_peer(response)
                if not response.has_redirect_location:
                    return response
                response.close()
                target = target.join(response.headers["Location"])
        except (httpx.InvalidURL, ValueError) as error:  # a name that IDNA does not know is a ValueError
            what = f"{url[:200]!r} leads to no address ({str(error)[:200]})."
            raise fail("E-HTTP-TARGET", self.where, what, REPORT_IT) from error
        what = f"{url!r} was redirected more than {MAX_REDIRECTS} times, last to {str(target)[:200]!r}."
        raise fail("E-HTTP-REDIRECTS", self.where, what, "Write the final address into the catalog.")

    def _judge_target(self, url: httpx.URL, origin: httpx.URL) -> str | None:
        if url.userinfo:
            return "it holds a user name"
        same_origin = (url.scheme, url.host, url.port) == (origin.scheme, origin.host, origin.port)
        allowed = same_origin or any(
            url.host == host or (host.startswith(".") and url.host.endswith(host))
            for host in self.options.redirect_hosts
        )
        if not allowed:
            return f"{_show_origin(url)} is neither {_show_origin(origin)} nor an allowed host"
        if url.scheme != "https" and not (url.scheme == "http" and self._may_be_private(url.host)):
            return "it is not https"
        if self.options.proxy is None and not self._may_be_private(url.host):
            return self._judge_addresses(url)
        return None

    def _may_be_private(self, host: str) -> bool:
        """The own machine may be reached if the source starts there; own networks if they are named."""
        return host in self.options.private_hosts or (is_loopback(host) and is_loopback(self._base.host))

    def _judge_addresses(self, url: httpx.URL) -> str | None:
        try:
            addresses = self._resolve(url.host, url.port or 443)
        except OSError as error:
            what = f"the name {url.host} cannot be resolved ({error.strerror or error})."
            fix = "Check that this machine is online, or use --offline."
            raise fail("E-HTTP-DNS", self.where, what, fix) from error
        private = next((address for address in addresses if not is_public(address)), None)
        return f"its address {private} is not public" if private else None

    def _check_peer(self, response: httpx.Response) -> None:
        """A name may point elsewhere a moment later (DNS rebinding): judge the address that really answered."""
        stream = response.extensions.get("network_stream")
        peer = stream.get_extra_info("server_addr") if stream is not None else None
        if self.options.proxy or not peer or self._may_be_private(response.url.host) or is_public(peer[0]):
            return
        response.close()
        what = f"{response.url.host} answered from {peer[0]}, which is not a public address."
        raise fail("E-HTTP-TARGET", self.where, what, REPORT_IT)

    def _read_wait(self, headers: httpx.Headers) -> float | None:
        """Seconds to wait after a 429: Retry-After in seconds or as a date, else X-RateLimit-Reset."""
        stated = headers.get("Retry-After", "")
        if stated.isdecimal():
            return float(stated)
        moment = _parse_date(stated)
        if moment is not None:
            return moment - self.options.clock()
        reset = headers.get("X-RateLimit-Reset", "")
        return float(reset) - self.options.clock() if reset.isdecimal() else None

    def _read_bounded(self, response: httpx.Response) -> bytes:
        body = bytearray()
        deadline = self.options.clock() + self.options.deadline_s
        for piece in response.iter_raw():
            body += piece
            if self.options.clock() > deadline:
                what = f"{response.url.host} had not finished its answer after {self.options.deadline_s:.0f} seconds."
                raise fail("E-HTTP-SLOW", self.where, what, TRY_LATER)
            if len(body) > MAX_JSON_BYTES:
                what = f"{response.url.host} answered with more than {MAX_JSON_BYTES} bytes of JSON."
                raise fail("E-HTTP-SIZE", self.where, what, REPORT_IT)
        return bytes(body)


def describe_transport(error: httpx.TransportError) -> str:
    """Return the failure in a few words, without addresses of this machine."""
    return "timeout" if isinstance(error, httpx.TimeoutException) else str(error) or type(error).__name__


def is_loopback(host: str) -> bool:
    """Whether the host is this machine, by name or address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_public(address: str) -> bool:
    """Whether an address is on the public internet; IPv4 inside IPv6 is judged as IPv4."""
    parsed = ipaddress.ip_address(address.split("%")[0])
    mapped = getattr(parsed, "ipv4_mapped", None) or getattr(parsed, "sixtofour", None)
    chosen = mapped or parsed
    return bool(chosen.is_global and not chosen.is_multicast)


def _parse_base(base: str, where: str) -> httpx.URL:
    problem = "it names no host"
    try:
        url = httpx.URL(base)
        if url.host:  # reading the name also refuses one that IDNA does not know
            return url
    except (httpx.InvalidURL, ValueError) as error:
        problem = str(error)
    raise fail("E-HTTP-TARGET", where, f"{base[:200]!r} is no address ({problem}).", "Correct it.")


def _parse_date(text: str) -> int | None:
    """Return the seconds since 1970 of an HTTP date, None for what is no date or lies beyond the calendar."""
    date = email.utils.parsedate_tz(text) if text else None
    try:
        return email.utils.mktime_tz(date) if date else None
    except (ValueError, OverflowError):
        return None


def _show_origin(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}"


def _host_of(url: str) -> str:
    return httpx.URL(url).host
