"""Google's Secret Manager, by its REST API and the metadata server's token: its library takes 0.7 s to load.

Cloud SQL takes such a token as well.

https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions/access
https://cloud.google.com/compute/docs/access/authenticate-workloads
"""

import json
import os
from base64 import b64decode
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from roliascan.vaults import TIMEOUT_S, Unresolved

_METADATA = "metadata.google.internal"
_API = "https://secretmanager.googleapis.com/"
_TOKEN = "/computeMetadata/v1/instance/service-accounts/default/token"  # noqa: S105 - a path


def secret(reference: str) -> str:
    """`projects/PROJECT/secrets/NAME`, its latest version unless another is named. Raises Unresolved.

    The variables of Google's own tools lead elsewhere: GCE_METADATA_HOST, and that of gcloud for the API.
    """
    name = reference if "/versions/" in reference else f"{reference}/versions/latest"
    api = os.environ.get("CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER", _API).rstrip("/")
    token, _ = _token()
    told = _read(f"{api}/v1/{name}:access", {"Authorization": f"Bearer {token}"}, "Secret Manager")
    try:
        return b64decode(told["payload"]["data"]).decode()
    except UnicodeDecodeError:
        raise Unresolved("the secret is binary; keep it as text") from None


def database_token() -> tuple[str, int]:
    """What a service account logs in with instead of a password, at Cloud SQL, and for how many seconds.

    It is good for nothing else: cloud.google.com/sql/docs/postgres/iam-logins. Raises Unresolved.
    """
    return _token("?scopes=https://www.googleapis.com/auth/sqlservice.login")


def _token(scopes: str = "") -> tuple[str, int]:
    host = os.environ.get("GCE_METADATA_HOST", _METADATA)
    told = _read(f"http://{host}{_TOKEN}{scopes}", {"Metadata-Flavor": "Google"}, "the metadata server")
    return told["access_token"], told["expires_in"]


def _read(url: str, headers: dict[str, str], who: str) -> dict[str, Any]:
    try:
        # No proxy: the metadata server is on this machine's network, and Google's API within it.
        with build_opener(ProxyHandler({})).open(Request(url, headers=headers), timeout=TIMEOUT_S) as answer:  # noqa: S310
            told: dict[str, Any] = json.load(answer)
            return told
    except HTTPError as error:
        with error:
            raise Unresolved(f"the secret could not be read: {who} answered {error.code}") from None
    except (OSError, ValueError):
        raise Unresolved(f"the secret could not be read: {who} cannot be reached") from None
