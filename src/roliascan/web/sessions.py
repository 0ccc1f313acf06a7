"""Where one is signed in, over HTTP."""

from roliascan.paging import Page
from roliascan.people import sessions
from roliascan.people.sessions import Session
from roliascan.web.calls import COOKIE, Call, Empty
from roliascan.web.queries import ListQuery


def index(call: Call, query: ListQuery) -> Page[Session]:
    """Your own open sessions, newest first."""
    return sessions.index(call.db, query.asked, person=call.person, now=call.now)


def remove(call: Call, session: str) -> Empty:
    """Ends one of your own sessions; with the one that asks, you sign out."""
    call.db.run(sessions.end_own, session, person=call.person, now=call.now)
    if session == call.person.session_id:
        call.resp.unset_cookie(COOKIE, path="/", same_site="Lax")
    return Empty()
