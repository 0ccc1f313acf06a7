"""Who asks Google Cloud Storage, and who signs in our name: by our own key, or by IAM where we have none."""

import os
from base64 import b64decode, b64encode
from typing import Any, NamedTuple

import google.auth
from google.auth.credentials import AnonymousCredentials, Credentials, Signing
from google.auth.transport.requests import AuthorizedSession, Request
from google.cloud.storage import Client

from roliascan.storage.attempts import CONNECT_S, READ_S

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_IAM = "https://iamcredentials.googleapis.com"


class NotSigned(Exception):
    """IAM does not sign for us; `status` is that of its answer, 0 where there are no credentials that can sign."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__()


class Access(NamedTuple):
    """Our credentials at work: what asks, and what signs."""

    client: Client
    signer: Signing


def found(endpoint: str) -> Access:
    """With the credentials that google-auth finds. Raises its exceptions, and NotSigned."""
    credentials, _ = google.auth.default(scopes=[_SCOPE])
    session = AuthorizedSession(credentials, refresh_timeout=READ_S)  # type: ignore[no-untyped-call]
    return Access(
        _client(endpoint, credentials, _http=session),
        credentials if isinstance(credentials, Signing) else _ByIam(credentials, session),
    )


def strangers(endpoint: str) -> Client:
    """What asks as anybody may."""
    nobody = AnonymousCredentials()  # type: ignore[no-untyped-call]
    return _client(endpoint, nobody)


def _client(endpoint: str, credentials: Credentials, **how: Any) -> Client:
    client = Client(project="-", credentials=credentials, client_options={"api_endpoint": endpoint}, **how)
    # It would ask after each bucket in a thread, for traces that nobody takes, with a right that we do not need.
    client._bucket_metadata_cache = None
    return client


class _ByIam(Signing):
    """Signs as the service account that we run as. One request for each signature.

    cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/signBlob
    """

    def __init__(self, credentials: Credentials, session: AuthorizedSession) -> None:
        """The variable of gcloud leads elsewhere than to Google's API."""
        self._credentials: Any = credentials
        self._session = session
        self._api = os.environ.get("CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS", _IAM).rstrip("/")

    @property
    def signer_email(self) -> str:
        """Known for sure once there was a token: before, it may be `default`. Raises NotSigned for who has none."""
        if not hasattr(self._credentials, "service_account_email"):
            raise NotSigned(0)
        if not self._credentials.valid:
            self._credentials.refresh(Request())
        email: str = self._credentials.service_account_email
        return email

    @property
    def signer(self) -> "_ByIam":
        return self

    def sign_bytes(self, message: bytes) -> bytes:
        url = f"{self._api}/v1/projects/-/serviceAccounts/{self.signer_email}:signBlob"
        told = self._session.post(url, json={"payload": b64encode(message).decode()}, timeout=(CONNECT_S, READ_S))
        if told.status_code != 200:
            raise NotSigned(told.status_code)
        return b64decode(told.json()["signedBlob"])
