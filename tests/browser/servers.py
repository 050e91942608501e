"""Real web servers with the emitted configurations: nginx, Apache and Caddy, each unprivileged on loopback."""

import http.client
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

START_S = 30
_PATHS = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
_PROGRAMS = {"nginx": ("nginx",), "apache": ("apache2", "httpd"), "caddy": ("caddy",)}
_MODULES = (Path("/usr/lib/apache2/modules"), Path("/usr/lib64/httpd/modules"), Path("/usr/lib/httpd/modules"))


def find_server(name: str) -> str:
    """Return the program; skips where it is not installed."""
    found = next((path for program in _PROGRAMS[name] if (path := shutil.which(program, path=_PATHS))), None)
    if found is None:
        pytest.skip(f"{name} is not installed; `make test` as root installs it, or use the distribution's package")
    return found


@contextmanager
def run_server(name: str, site: Path, work: Path, prefix: str) -> Iterator[int]:
    """Serve `site` below `prefix` ("/" or "/…/") until the block ends; yields the port."""
    program = find_server(name)
    work.mkdir(parents=True)
    port = _find_port()
    text = {"nginx": _configure_nginx, "apache": _configure_apache, "caddy": _configure_caddy}[name](
        site, work, prefix, port
    )
    config = work / "server.conf"
    config.write_text(text, encoding="utf-8")
    command = {
        "nginx": [program, "-c", str(config), "-p", str(work), "-e", str(work / "log")],
        "apache": [program, "-X", "-f", str(config)],
        "caddy": [program, "run", "--config", str(config), "--adapter", "caddyfile"],
    }[name]
    environment = {**os.environ, "HOME": str(work), "XDG_DATA_HOME": str(work), "XDG_CONFIG_HOME": str(work)}
    with (work / "output").open("wb") as output:
        process = subprocess.Popen(command, cwd=work, env=environment, stdout=output, stderr=subprocess.STDOUT)
        try:
            _wait(process, port, work)
            yield port
        finally:
            process.terminate()
            process.wait(timeout=START_S)


def ask(port: int, path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """Return status, headers by their names in lower case, and body of one request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body


def _find_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: "subprocess.Popen[bytes]", port: int, work: Path) -> None:
    for _ in range(START_S * 20):
        if process.poll() is not None:
            break
        try:
            ask(port, "/")
        except OSError:
            time.sleep(0.05)  # there is nothing to wait on but the port
        else:
            return
    raise AssertionError(f"the server did not start: {(work / 'output').read_text()}")


def _configure_nginx(site: Path, work: Path, prefix: str, port: int) -> str:
    place = f"root {site};" if prefix == "/" else f"alias {site}/;"
    temporary = " ".join(f"{kind}_temp_path {work}/t;" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    return f"""daemon off; master_process off; pid {work}/pid; error_log {work}/log;
events {{}}
http {{ access_log off; {temporary}
  server {{ listen 127.0.0.1:{port};
    location {prefix} {{ {place} include {site}/policies/nginx.conf; }}
  }}
}}
"""


def _configure_apache(site: Path, work: Path, prefix: str, port: int) -> str:
    folder = next((path for path in _MODULES if path.is_dir()), _MODULES[0])
    wanted = ("mpm_event", "authz_core", "dir", "mime", "headers", "rewrite", "alias", "unixd")
    modules = "\n".join(
        f"LoadModule {name}_module {folder}/mod_{name}.so" for name in wanted if (folder / f"mod_{name}.so").is_file()
    )
    place = f"DocumentRoot {site}" if prefix == "/" else f"DocumentRoot {work}\nAlias {prefix} {site}/"
    user = "User nobody\nGroup nogroup" if os.geteuid() == 0 else ""
    return f"""PidFile {work}/pid
ErrorLog {work}/log
Listen 127.0.0.1:{port}
ServerName localhost
{modules}
TypesConfig /dev/null
TraceEnable off
{user}
{place}
<Directory "{site}">
  Include {site}/policies/apache.conf
</Directory>
"""


def _configure_caddy(site: Path, work: Path, prefix: str, port: int) -> str:
    """Import a copy: Caddy serves no file that it has read its configuration from, and `verify` would miss it."""
    shutil.copyfile(site / "policies/Caddyfile", work / "webipred.caddy")
    return f"""{{
	admin off
	auto_https off
}}
http://127.0.0.1:{port} {{
	handle_path {prefix}* {{
		root * {site}
		import {work}/webipred.caddy
	}}
}}
"""
