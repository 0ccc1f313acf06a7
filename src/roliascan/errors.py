"""The tree of refusals: each a no in words for the person who asked. HTTP numbers are in web/answers.py."""

from typing import NamedTuple


class Refusal(Exception):
    """A no with a name. `code` is stable and for programs, `detail` is one sentence for people.

    `level` is that of its line in the log: `info` for what is as somebody wanted it, `warning` for what there is too
    much of, `error` for what somebody has to mend.
    """

    code = "refused"
    detail = "This was refused."
    level = "info"
    fault = ""
    """What somebody else called it, such as a storage's `SlowDown`: one word, for the log and for no client."""

    def __init__(self, detail: str | None = None) -> None:
        if detail is not None:
            self.detail = detail
        super().__init__(self.detail)


class Problem(NamedTuple):
    """One thing that is wrong with an input: where, and what to do about it."""

    field: str
    message: str


class Invalid(Refusal):
    """The input breaks rules; `problems` names every one of them."""

    code = "invalid"
    detail = "The request has invalid parts; see errors."

    def __init__(self, *problems: Problem, detail: str | None = None) -> None:
        super().__init__(detail)
        self.problems = problems


class NotSignedIn(Refusal):
    code = "not_signed_in"
    detail = "Sign in first: send a valid token."


class NotAllowed(Refusal):
    code = "not_allowed"
    detail = "You may not do this."


class NotFound(Refusal):
    code = "not_found"
    detail = "There is nothing at this address."


class Removed(Refusal):
    """It existed and was deleted on purpose; `reason` is what the people who removed it said."""

    code = "removed"
    detail = "This was removed."

    def __init__(self, reason: str | None = None) -> None:
        super().__init__(f"This was removed: {reason}" if reason else None)


class Conflict(Refusal):
    code = "conflict"
    detail = "This conflicts with what is already there."


class PreconditionFailed(Refusal):
    code = "precondition_failed"
    detail = "It was changed by somebody else since you read it; read it again."


class TooLarge(Refusal):
    code = "too_large"
    detail = "This is larger than the limit."


class NotSatisfiable(Refusal):
    code = "range_not_satisfiable"
    detail = "The file is shorter than the range asked for."


class UnsupportedType(Refusal):
    code = "unsupported_type"
    detail = "This type of content is not supported."


class Unprocessable(Refusal):
    code = "unprocessable"
    detail = "This is well-formed, and yet cannot be done."


class TooMany(Refusal):
    """Too often; `retry_after` is in seconds."""

    code = "too_many_requests"
    detail = "Too many requests; wait a little."

    def __init__(self, detail: str | None = None, *, retry_after: int = 60) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Busy(Refusal):
    """Not now, through no fault of the asker; `retry_after` is in seconds."""

    code = "busy"
    detail = "The service cannot do this right now; try again."
    level = "error"

    def __init__(self, detail: str | None = None, *, retry_after: int = 2) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class TooManyAtOnce(Busy):
    """There is room for so many, and all of it is taken."""

    level = "warning"


class ReadOnly(Busy):
    """The operator switched changes off."""

    code = "read_only"
    detail = "This site takes no changes right now, while it is being worked on. Reading works; try again later."
    level = "info"

    def __init__(self) -> None:
        super().__init__(retry_after=60)
