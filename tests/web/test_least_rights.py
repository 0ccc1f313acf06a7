"""The whole life of a comic, served by a database role that may read and write rows and nothing else."""

from roliascan.library import sweep
from roliascan.people import audit
from tests.database.kinds import on_servers
from tests.database.roles import site_role
from tests.front import Asker, opened, refused, told

PASSWORD = "lantern keeper 12"


@on_servers
def test_the_site_is_served_without_rights_to_its_tables(database_url: str) -> None:
    """SC 73"""
    with site_role(database_url) as url, opened(url, RATE_LIMITS="on") as site:
        assert told(site.stranger.get("/ready"))["status"] == "ok"
        body = {"email": "reader@tests.example", "username": "reader", "password": PASSWORD}
        told(site.stranger.post("auth/register", body), 201)
        signed_in = told(site.stranger.post("auth/login", {"login": "reader", "password": PASSWORD}))
        reader = Asker(site, signed_in["user"]["id"], "reader", signed_in["token"])
        uploader, moderator, admin = (site.sign_up(role) for role in ("uploader", "moderator", "admin"))
        chapter = _published(uploader)
        _read(site.stranger, reader, chapter)
        _governed(uploader, moderator, admin, reader, chapter)
        sweep.run(site.db, site.storage, now=site.clock.now)
        assert not audit.verify(site.db).broken


def _published(uploader: Asker) -> str:
    """A chapter by a team, with pages, of a series with a cover's file beside it."""
    team = uploader.makes_team()
    series = uploader.makes_series("Lantern Keepers")
    chapter = uploader.publishes(series, 1, pages=2, teamIds=[team["id"]])
    told(uploader.patch(f"chapters/{chapter['id']}", {"title": "The first night"}))
    uploader.files()
    return str(chapter["id"])


def _read(stranger: Asker, reader: Asker, chapter: str) -> None:
    for path in ("series", "series?q=lantern", "chapters", "teams", f"chapters/{chapter}"):
        assert told(stranger.get(path))
    comment = told(reader.post(f"chapters/{chapter}/comments", {"body": "More!"}), 201)
    told(reader.patch(f"comments/{comment['id']}", {"body": "More, please!"}))
    told(reader.put(f"chapters/{chapter}/rating", {"rating": 9}))
    told(reader.put(f"chapters/{chapter}/rating", {"rating": 10}))
    told(reader.delete(f"chapters/{chapter}/rating"), 204)


def _governed(uploader: Asker, moderator: Asker, admin: Asker, reader: Asker, chapter: str) -> None:
    """Hidden, granted, banned, deleted."""
    told(moderator.post(f"chapters/{chapter}/hide", {"reason": "Its makers asked for it."}))
    told(admin.post("admin/permissions", {"name": "arrange:shelves"}), 201)
    told(admin.put(f"admin/users/{uploader.id}/permissions/arrange:shelves"))
    told(admin.patch(f"admin/users/{reader.id}", {"isBanned": True, "banReason": "Spam"}))
    assert reader.post(f"chapters/{chapter}/comments", {"body": "More!"}).status_code in (401, 403)
    told(uploader.delete(f"chapters/{chapter}"), 204)
    refused(uploader.get(f"chapters/{chapter}"), 410)
    told(reader.site.stranger.get("/health"))
