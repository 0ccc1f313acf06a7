"""deploy/systemd/nginx.conf: our rules, nginx's own, and one that runs in front of a server."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.deploy import tree
from tests.servers import nginx, program

SAID = {
    "underscores_in_headers": "off",
    "proxy_request_buffering": "on",
    "proxy_cache_background_update": "on",
    "proxy_cache_convert_head": "off",
    "proxy_cache_key": "$request_method$host$request_uri",
    "proxy_cache_bypass": "$http_authorization $cookie_token",
    "proxy_no_cache": "$http_authorization $cookie_token",
    "proxy_set_header X-Forwarded-For": "$remote_addr",
    "proxy_set_header X-Forwarded-Proto": "$scheme",
    "proxy_set_header Host": "$host",
}
_STALE = {"error", "timeout", "updating", "http_503"}
_CERTIFICATE = "/etc/letsencrypt/live/comics.example.org"
_CACHE = "/var/cache/nginx/roliascan"
_UPSTREAM = "127.0.0.1:3000"


def found() -> Path | None:
    return tree.installed("nginx") if tree.installed("openssl") else None


def wrong(deploy: Path) -> list[str]:
    """What our own rules find."""
    lines = [line.strip() for line in re.sub(r"#.*", "", _text(deploy)).splitlines()]
    told = [f"it does not say {name} {value}" for name, value in SAID.items() if f"{name} {value};" not in lines]
    for line in lines:
        if line.startswith(("proxy_ignore_headers", "proxy_cache_valid")):
            told.append(f"{line} RoliaScan's Cache-Control says what may be kept, and for how long")
        if line.startswith("proxy_cache_use_stale") and not set(line.rstrip(";").split()) >= _STALE:
            told.append(f"{line} it has to go on without the server: {', '.join(sorted(_STALE))}")
    return told


def taken(deploy: Path) -> list[str]:
    """By `nginx -t`, as it is but for ports, and with a certificate of one's own."""
    with TemporaryDirectory(prefix="nginx-") as place:
        folder = Path(place)
        pair = ["-keyout", f"{folder}/privkey.pem", "-out", f"{folder}/fullchain.pem"]
        made = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=comics"]
        subprocess.run(["openssl", *made, *pair], check=True, capture_output=True)
        text = re.sub(r"(\[::\]|)(:?)\b(443|80)\b(?=[ ;])", _elsewhere, _text(deploy))
        text = text.replace(_CERTIFICATE, str(folder))
        status, told = tree.run([str(found()), "-t", "-c", _written(folder, text), "-e", "stderr"], folder)
        return [told.strip()] if status or "[warn]" in told else []


def _elsewhere(port: "re.Match[str]") -> str:
    """A port that anybody may listen on."""
    return f"{port[1]}{port[2]}{20_000 + int(port[3])}"


def _text(deploy: Path) -> str:
    return (deploy / "systemd" / "nginx.conf").read_text()


def _written(folder: Path, text: str) -> str:
    """As the part of a whole configuration that it is."""
    paths = " ".join(f"{name}_temp_path {folder}/{name};" for name in ("fastcgi", "uwsgi", "scgi", "proxy"))
    file = folder / "nginx.conf"
    file.write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log stderr;\n"
        "env FAKETIME_TIMESTAMP_FILE; env FAKETIME_NO_CACHE;\n"
        f"events {{ worker_connections 256; }}\nhttp {{\naccess_log off; client_body_temp_path {folder}/body; {paths}\n"
        f"{text.replace(_CACHE, f'{folder}/cache')}}}\n"
    )
    return str(file)


@contextmanager
def running(deploy: Path, upstream: str) -> Iterator[nginx.Nginx]:
    """As the example has it, in front of this address (host and port); but over http, and by every name."""
    port = program.free_port()
    site = _text(deploy).replace(_UPSTREAM, upstream)
    rest, _, site_itself = site.rpartition("\nserver {\n")
    upstreams = rest.partition("# Who comes by another name")[0]
    kept = re.sub(r"(?m)^ +(ssl_|listen \[).*\n", "", site_itself).replace("443 ssl http2", f"127.0.0.1:{port}")
    with nginx.started(lambda folder: _written(folder, f"{upstreams}\nserver {{\n{kept}"), port) as one:
        yield one
