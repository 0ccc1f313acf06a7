"""A site's API for one person: what is not answered is asked again, what is refused is raised by name."""

import json
import re
from typing import Any
from urllib.parse import urlsplit

from roliascan.cli.importing.names import shown
from roliascan.cli.uploading import patience, told, wire
from roliascan.cli.uploading.patience import Rest
from roliascan.cli.uploading.wire import Answer, Lost
from roliascan.errors import NotSignedIn, Refusal

API = "/api/v1"


class TokenRefused(NotSignedIn):
    code = "token_refused"
    detail = (
        "The site does not take this token: it may have expired. Sign in again, and set ROLIASCAN_TOKEN to the new one."
    )


class SiteRefused(Refusal):
    """`said` is the site's own name for it, and `errors` what it says of parts of the request, by field."""

    code = "site_refused"

    def __init__(self, answer: Answer) -> None:
        self.status = answer.status
        self.said = answer.code
        listed = answer.problem.get("errors")
        errors = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        self.errors = {str(one.get("field")): str(one.get("message")) for one in errors}
        named = "; ".join(f"{field} {message}" for field, message in self.errors.items())
        said = named or str(answer.problem.get("detail", "")) or f"status {answer.status}, without a word"
        super().__init__(f"The site refuses this: {shown(said, 1000)}")


class Moved(Refusal):
    code = "moved"

    def __init__(self, answer: Answer) -> None:
        where = shown(answer.headers.get("Location", "somewhere else"), 300)
        super().__init__(f"The site sends us to {where}, where your token is not sent unasked: name the right --site.")


class NotASite(Refusal):
    code = "not_a_site"
    detail = "What answers at this address is no RoliaScan: look at --site."


class NoAnswer(Refusal):
    code = "no_answer"


_TOKEN = re.compile(r"[\x21-\x7e]+")


def address(text: str) -> str | None:
    """The site's address without a slash at its end; None where it is no http or https address, or has more in it."""
    url = text.rstrip("/")
    parts = urlsplit(url)
    is_one = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc and not parts.query
    return url if is_one else None


def is_token(text: str) -> bool:
    return _TOKEN.fullmatch(text) is not None


class Site:
    """`url` has no slash at its end. The token, "" for a stranger, goes to this address only, and is in no message."""

    def __init__(self, url: str, token: str, *, tries: int, rest: Rest) -> None:
        self.url = url
        self._token = token
        self._tries = tries
        self._rest = rest

    def ask(self, method: str, path: str, body: Any = None, *, into: Any = dict, key: str = "") -> Any:
        """What the site answers, below /api/v1, as `into`; every request here may be sent again.

        Raises TokenRefused, SiteRefused, Moved, NotASite, Unexpected; NoAnswer after so many tries.
        """
        answer = self._persist(method, f"{self.url}{API}/{path}", body, key)
        if answer.status == 401:
            raise TokenRefused
        if answer.status >= 400:
            raise SiteRefused(answer)
        if answer.status >= 300:
            raise Moved(answer)
        if answer.status != 204 and not isinstance(answer.json, dict):
            raise NotASite
        return None if answer.status == 204 else told.read(answer.json, into, asked=_asked(method, path))

    def find(self, path: str, *, into: Any) -> Any:
        """As GET, or None where nothing is."""
        try:
            return self.ask("GET", path, into=into)
        except SiteRefused as refusal:
            if refusal.status != 404:
                raise
            return None

    def absolute(self, url: str) -> str:
        """Addresses that begin with a slash are below the site."""
        return f"{self.url}{url}" if url.startswith("/") else url

    def _credentials(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    def _persist(self, method: str, url: str, body: Any, key: str) -> Answer:
        sent = None if body is None else json.dumps(body).encode()
        headers = {**self._credentials(), "Accept": "application/json"}
        headers |= {} if sent is None else {"Content-Type": "application/json"}
        headers |= {"Idempotency-Key": key} if key else {}
        answer, why = None, ""
        for pause in patience.pauses(self._tries):
            self._rest(max(pause, patience.asked_for(answer)), why)
            try:
                answer = wire.send(method, url, headers=headers, body=sent)
            except Lost as lost:
                answer, why = None, shown(str(lost))
                continue
            if not patience.is_not_now(answer):
                return answer
            why = f"status {answer.status}"
        raise NoAnswer(f"{self.url} did not answer in {self._tries} tries ({shown(why)}).")


def _asked(method: str, path: str) -> str:
    """A request as it is named to people."""
    return f"{method} {shown(path.partition('?')[0], 100)}"
