"""ServingPolicy → configurations for nginx, Apache, Caddy, and a _headers file: policies/ of a built site.

Each says the same for every file of the site at any path of a host; tests/serving starts the real servers with them.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from webipred.site.headers import (
    CACHE_FOREVER,
    CACHE_NEVER_BLINDLY,
    COMMON_HEADERS,
    MEDIA_TYPES,
    OTHER_TYPE,
    FileClass,
    ServingPolicy,
)

FOLDER: Final = "policies/"
_WEIGHTS: Final = ("onnx", "plan")
_CACHE: Final = "Cache-Control"
_TOLD: Final = "Made by webipred for this build; the hashes fit no other one. See docs/how-to/host-the-site.md."


def render_server_files(policy: ServingPolicy) -> tuple[tuple[str, bytes], ...]:
    """Return (path, bytes) of every configuration, to be added to the table of files."""
    texts = {
        "nginx.conf": render_nginx(policy),
        "apache.conf": render_apache(policy),
        "Caddyfile": render_caddy(policy),
        "_headers": render_headers_file(policy),
    }
    return tuple((f"{FOLDER}{name}", text.encode("ascii")) for name, text in texts.items())


def render_nginx(policy: ServingPolicy) -> str:
    """Return a file to include in a location; add_header in an inner location drops those of the outer one."""
    lines = [
        f"# {_TOLD}",
        "# location /webipred/ { alias /srv/webipred/dist/; include /srv/webipred/dist/policies/nginx.conf; }",
        "# For /: location / { root /srv/webipred/dist; include (the same); }",
        "index index.html;",
        "absolute_redirect off;",
        f"default_type {OTHER_TYPE};",
        "types {",
        *(f"  {_bare_type(ending)} {ending};" for ending in MEDIA_TYPES),
        f"  {OTHER_TYPE} {' '.join(_WEIGHTS)};",
        "}",
        *_nginx_rules(policy.list_class_headers("data"), CACHE_NEVER_BLINDLY),
    ]
    places: tuple[tuple[str, FileClass, str], ...] = (
        (r"/assets/[^/]+$", "data", CACHE_FOREVER),
        (r"/predict/index\.html$", "workspace", CACHE_NEVER_BLINDLY),
        (r"/sw\.js$", "worker", CACHE_NEVER_BLINDLY),
        (r"\.html$", "page", CACHE_NEVER_BLINDLY),
    )
    for pattern, file_class, cache in places:
        rules = _nginx_rules(policy.list_class_headers(file_class), cache)
        lines += [f"location ~ {pattern} {{", *(f"  {rule}" for rule in rules), "}"]
    return _join(lines)


def _nginx_rules(headers: Mapping[str, str], cache: str) -> Iterator[str]:
    yield "limit_except GET HEAD { deny all; }"
    yield "if ($is_args) { return 400; }"  # not $args: the query "?0" is false there
    yield "charset utf-8;"
    yield "charset_types text/plain text/css text/javascript;"
    for name, value in {**headers, _CACHE: cache}.items():
        yield f'add_header {name} "{value}" always;'


def render_apache(policy: ServingPolicy) -> str:
    """Return the content of a <Directory> section or of a .htaccess file; later sections win."""
    places: tuple[tuple[str, FileClass], ...] = (
        (r'<FilesMatch "\.html$">', "page"),
        (r'<FilesMatch "^sw\.js$">', "worker"),
        (r'<If "%{REQUEST_URI} =~ m#/predict/(index\.html)?$#">', "workspace"),
    )
    lines = [
        f"# {_TOLD}",
        '# <Directory "/srv/webipred/dist">',
        "#   Include /srv/webipred/dist/policies/apache.conf",
        "# </Directory>",
        "# A copy named .htaccess does the same. Modules: headers, rewrite, mime, dir. Set TraceEnable off.",
        "Options -Indexes -MultiViews +FollowSymLinks",
        "# Not <LimitExcept> beside `Require all granted`: that lets POST through.",
        "Require method GET HEAD",
        "DirectoryIndex index.html",
        "RewriteEngine On",
        "RewriteCond %{QUERY_STRING} .",
        "RewriteRule ^ - [R=400,L]",
        f"ForceType {OTHER_TYPE}",
        *(f'<FilesMatch "\\.{ending}$">\n  ForceType "{kind}"\n</FilesMatch>' for ending, kind in MEDIA_TYPES.items()),
        *_apache_headers({**policy.list_class_headers("data"), _CACHE: CACHE_NEVER_BLINDLY}),
        '<If "%{REQUEST_URI} =~ m#/assets/[^/]+$#">',
        *(f"  {line}" for line in _apache_headers({_CACHE: CACHE_FOREVER})),
        "</If>",
    ]
    for opening, file_class in places:
        special = _list_special(policy, file_class)
        lines += [opening, *(f"  {line}" for line in _apache_headers(special)), f"</{opening[1:].split()[0]}>"]
    return _join(lines)


def _apache_headers(headers: Mapping[str, str]) -> list[str]:
    return [f'Header always set {name} "{value}"' for name, value in headers.items()]


def render_caddy(policy: ServingPolicy) -> str:
    """Return a file to import; its matchers exclude each other, so the order of the directives cannot matter."""
    matchers: tuple[tuple[FileClass, str], ...] = (
        ("workspace", "path /predict/ /predict/index.html"),
        ("worker", "path /sw.js"),
        ("page", "path */ *.html\n\tnot path /predict/ /predict/index.html"),
        ("data", "not path */ *.html /sw.js"),
    )
    lines = [
        f"# {_TOLD}",
        "# handle_path /webipred/* {",
        "#   root * /srv/webipred/dist",
        "#   import /etc/caddy/webipred.caddy",
        "# }",
        "# Copy this file there: Caddy would not serve it any more from the place that it reads it from.",
        "@webipred_method not method GET HEAD",
        '@webipred_query expression `{query} != ""`',
        "@webipred_asset path /assets/*",
        "@webipred_changing not path /assets/*",
        *(f"@webipred_{name} {{\n\t{rule}\n}}" for name, rule in matchers),
        *(_caddy_type(ending) for ending in MEDIA_TYPES),
        "route {",
        *_caddy_headers("*", COMMON_HEADERS),
        *_caddy_headers("@webipred_asset", {_CACHE: CACHE_FOREVER}),
        *_caddy_headers("@webipred_changing", {_CACHE: CACHE_NEVER_BLINDLY}),
    ]
    for name, _ in matchers:
        lines += _caddy_headers(f"@webipred_{name}", _list_special(policy, name))
    lines += [
        "\trespond @webipred_method 405",
        "\trespond @webipred_query 400",
        f'\theader @webipred_other Content-Type "{OTHER_TYPE}"',
        *(f'\theader @webipred_{ending} Content-Type "{kind}"' for ending, kind in MEDIA_TYPES.items()),
        "\tfile_server",
        "}",
    ]
    known = " ".join(f"*.{ending}" for ending in MEDIA_TYPES)
    lines.insert(lines.index("route {"), f"@webipred_other not path */ {known}")
    return _join(lines)


def _caddy_type(ending: str) -> str:
    return f"@webipred_{ending} path {'*/ ' if ending == 'html' else ''}*.{ending}"


def _caddy_headers(matcher: str, headers: Mapping[str, str]) -> list[str]:
    inner = [f'\t\t{name} "{value}"' for name, value in headers.items()]
    return [f"\theader {matcher} {{", *inner, "\t}"]


def render_headers_file(policy: ServingPolicy) -> str:
    """Return a _headers file: one rule for everything, because such hosts join equal names of several rules."""
    headers = {
        **COMMON_HEADERS,
        "Content-Security-Policy": str(policy.any_page),
        "Connection-Allowlist": "(response-origin)",
    }
    return _join(
        [
            f"# {_TOLD}",
            "# Copy to the root of the published folder. Below a path, write it before /* and /assets/*.",
            "/*",
            *(f"  {name}: {value}" for name, value in headers.items()),
            "/assets/*",
            f"  {_CACHE}: {CACHE_FOREVER}",
        ]
    )


def _list_special(policy: ServingPolicy, file_class: FileClass) -> dict[str, str]:
    return {name: value for name, value in policy.list_class_headers(file_class).items() if name not in COMMON_HEADERS}


def _bare_type(ending: str) -> str:
    """Return the type without its charset, which nginx adds itself."""
    return MEDIA_TYPES[ending].partition(";")[0]


def _join(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"
