"""What `roliascan migrate up` does, as a function that can reach the database where a pipeline cannot."""

import os
from typing import Any

from roliascan.database import BadAddress, migrations
from roliascan.errors import Refusal
from roliascan.platforms import lines
from roliascan.settings import BadSettings, direct_url
from roliascan.web import logs


class MigrationFailed(Exception):
    """The database is not at this version; `code` is for programs, `detail` for people, without secrets."""

    def __init__(self, code: str, detail: str) -> None:
        self.code, self.detail = code, detail
        super().__init__(f"{code}: {detail}")


def run() -> dict[str, Any]:
    """Brings the database at DATABASE_DIRECT_URL to this version: its revision before and after, and what ran between.

    Raises MigrationFailed. Again it changes nothing, and two at once wait for each other.
    """
    logs.tell(lines.graded(os.environ))
    try:
        told = _upgraded(direct_url(os.environ))
    except Refusal as refusal:
        raise _failed(refusal.code, refusal.detail) from None
    except BadAddress as error:
        raise _failed("bad_address", str(error)) from None
    except BadSettings as bad:
        raise _failed("bad_settings", " ".join(bad.problems)) from None
    except Exception as error:
        logs.log_crash(error, request_id="")
        raise MigrationFailed("internal", "The log says where.") from None
    logs.log("info", "migrated", **told)
    return told


def _upgraded(url: str) -> dict[str, Any]:
    migrations.refuse_pooled(url)
    before, ran = migrations.revision(url), list[str]()
    migrations.upgrade(url, progress=ran.append)
    return {"before": before, "after": migrations.revision(url), "ran": ran}


def _failed(code: str, detail: str) -> MigrationFailed:
    logs.log("error", "migration failed", code=code, detail=detail)
    return MigrationFailed(code, detail)
