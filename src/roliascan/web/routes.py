"""Every URL of the service, who may ask for it, and how long it may be kept."""

from importlib import import_module
from typing import NamedTuple

from roliascan.web.calls import Handler

ANYONE = "anyone"
SIGNED_IN = "signed in"

API = "/api/v1"
UPLOADTHING_CALLS = f"{API}/callbacks/uploadthing"
UNCHECKED = {"/health", "/ready", "/docs", f"{API}/openapi.json"}
"""Paths that answer whatever the state of the database."""
NEVER = "no-store"
SHORT = "public, max-age=0, s-maxage=30, stale-while-revalidate=300, stale-if-error=86400"
LONG = "public, max-age=0, s-maxage=300, stale-while-revalidate=3600, stale-if-error=604800"


class Route(NamedTuple):
    """`answers`: the module here and its function that do. They are loaded by the first request that asks for them.

    `who`: ANYONE, SIGNED_IN, or a permission. What else a verb asks for (owner, leader), it checks itself.
    `cache`: the Cache-Control of a good answer to somebody who is not signed in.
    """

    method: str
    path: str
    answers: str
    who: str
    cache: str = NEVER

    @property
    def handler(self) -> Handler:
        module, name = self.answers.split(".")
        handler: Handler = getattr(import_module(f"roliascan.web.{module}"), name)
        return handler


ROUTES = (
    Route("GET", "/health", "state.health", ANYONE),
    Route("GET", "/ready", "state.ready", ANYONE),
    Route("GET", "/docs", "documents.docs", ANYONE, LONG),
    Route("GET", "/uploads/{key:path}", "stored.show", ANYONE),
    Route("GET", f"{API}/openapi.json", "documents.openapi", ANYONE, LONG),
    Route("POST", f"{API}/auth/register", "accounts.register", ANYONE),
    Route("POST", f"{API}/auth/login", "accounts.login", ANYONE),
    Route("POST", f"{API}/auth/logout", "accounts.logout", SIGNED_IN),
    Route("GET", f"{API}/auth/me", "accounts.me", SIGNED_IN),
    Route("PATCH", f"{API}/auth/me", "accounts.change", SIGNED_IN),
    Route("GET", f"{API}/auth/sessions", "sessions.index", SIGNED_IN),
    Route("DELETE", f"{API}/auth/sessions/{{session}}", "sessions.remove", SIGNED_IN),
    Route("GET", f"{API}/users/{{user}}", "accounts.show", ANYONE, SHORT),
    Route("GET", f"{API}/series", "series.index", ANYONE, SHORT),
    Route("POST", f"{API}/series", "series.create", "create:series"),
    Route("GET", f"{API}/series/{{series_}}", "series.show", ANYONE, SHORT),
    Route("PATCH", f"{API}/series/{{series_}}", "series.change", SIGNED_IN),
    Route("DELETE", f"{API}/series/{{series_}}", "series.remove", SIGNED_IN),
    Route("GET", f"{API}/series/{{series_}}/chapters", "chapters.index", ANYONE, SHORT),
    Route("POST", f"{API}/series/{{series_}}/chapters", "chapters.create", "create:chapter"),
    Route("GET", f"{API}/series/{{series_}}/rating", "ratings.of_series", SIGNED_IN),
    Route("PUT", f"{API}/series/{{series_}}/rating", "ratings.rate_series", SIGNED_IN),
    Route("DELETE", f"{API}/series/{{series_}}/rating", "ratings.unrate_series", SIGNED_IN),
    Route("GET", f"{API}/chapters", "chapters.feed", ANYONE, SHORT),
    Route("GET", f"{API}/chapters/{{chapter}}", "chapters.show", ANYONE, SHORT),
    Route("PATCH", f"{API}/chapters/{{chapter}}", "chapters.change", SIGNED_IN),
    Route("DELETE", f"{API}/chapters/{{chapter}}", "chapters.remove", SIGNED_IN),
    Route("POST", f"{API}/chapters/{{chapter}}/publish", "chapters.publish", SIGNED_IN),
    Route("POST", f"{API}/chapters/{{chapter}}/hide", "chapters.hide", SIGNED_IN),
    Route("GET", f"{API}/chapters/{{chapter}}/pages", "pages.tell", SIGNED_IN),
    Route("POST", f"{API}/chapters/{{chapter}}/pages", "pages.add", SIGNED_IN),
    Route("PUT", f"{API}/chapters/{{chapter}}/pages", "pages.arrange", SIGNED_IN),
    Route("GET", f"{API}/chapters/{{chapter}}/comments", "comments.index", ANYONE, SHORT),
    Route("POST", f"{API}/chapters/{{chapter}}/comments", "comments.create", SIGNED_IN),
    Route("GET", f"{API}/chapters/{{chapter}}/rating", "ratings.of_chapter", SIGNED_IN),
    Route("PUT", f"{API}/chapters/{{chapter}}/rating", "ratings.rate_chapter", SIGNED_IN),
    Route("DELETE", f"{API}/chapters/{{chapter}}/rating", "ratings.unrate_chapter", SIGNED_IN),
    Route("GET", f"{API}/pages/{{page}}/jpeg", "jpegs.show", ANYONE, LONG),
    Route("GET", f"{API}/comments/{{comment}}", "comments.show", ANYONE, SHORT),
    Route("PATCH", f"{API}/comments/{{comment}}", "comments.change", SIGNED_IN),
    Route("DELETE", f"{API}/comments/{{comment}}", "comments.remove", SIGNED_IN),
    Route("POST", f"{API}/files", "files.add", "upload:file"),
    Route("POST", f"{API}/uploads", "uploads.create", SIGNED_IN),
    Route("GET", f"{API}/uploads/sessions/{{session}}", "uploads.show_session", SIGNED_IN),
    Route("DELETE", f"{API}/uploads/sessions/{{session}}", "uploads.abandon", SIGNED_IN),
    Route("POST", f"{API}/uploads/sessions/{{session}}/commit", "uploads.commit", SIGNED_IN),
    Route("GET", f"{API}/uploads/{{upload}}", "uploads.show", SIGNED_IN),
    Route("DELETE", f"{API}/uploads/{{upload}}", "uploads.remove", SIGNED_IN),
    Route("PUT", f"{API}/uploads/{{upload}}/bytes", "uploads.receive", ANYONE),
    Route("POST", f"{API}/uploads/{{upload}}/complete", "uploads.complete", SIGNED_IN),
    Route("POST", UPLOADTHING_CALLS, "callbacks.uploadthing", ANYONE),
    Route("GET", f"{API}/teams", "teams.index", ANYONE, SHORT),
    Route("POST", f"{API}/teams", "teams.create", "create:team"),
    Route("GET", f"{API}/teams/{{team}}", "teams.show", ANYONE, SHORT),
    Route("PATCH", f"{API}/teams/{{team}}", "teams.change", SIGNED_IN),
    Route("DELETE", f"{API}/teams/{{team}}", "teams.remove", SIGNED_IN),
    Route("PUT", f"{API}/teams/{{team}}/members/{{user}}", "teams.set_member", SIGNED_IN),
    Route("DELETE", f"{API}/teams/{{team}}/members/{{user}}", "teams.remove_member", SIGNED_IN),
    Route("GET", f"{API}/admin/users", "administration.list_users", "manage:users"),
    Route("PATCH", f"{API}/admin/users/{{user}}", "administration.change_user", SIGNED_IN),
    Route(
        "PUT", f"{API}/admin/users/{{user}}/permissions/{{permission}}", "administration.grant", "manage:permissions"
    ),
    Route(
        "DELETE",
        f"{API}/admin/users/{{user}}/permissions/{{permission}}",
        "administration.revoke",
        "manage:permissions",
    ),
    Route("GET", f"{API}/admin/permissions", "administration.list_permissions", "manage:permissions"),
    Route("POST", f"{API}/admin/permissions", "administration.add_permission", "manage:permissions"),
    Route("GET", f"{API}/admin/permissions/{{permission}}", "administration.show_permission", "manage:permissions"),
    Route("GET", f"{API}/admin/audit", "administration.list_audit", "read:audit"),
)
