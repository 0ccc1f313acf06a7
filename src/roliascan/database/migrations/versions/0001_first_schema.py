"""The first schema."""

from alembic import op

from roliascan.database.migrations.tables import (
    big,
    boolean,
    drop,
    identifier,
    instant,
    integer,
    key,
    long_text,
    record,
    small,
    table,
    text,
)

revision = "1"
down_revision = None

STATES = "draft scheduled published hidden"


def upgrade() -> None:
    bookkeeping()
    people()
    rights()
    teams()
    files()
    series()
    series_parts()
    chapters()
    chapter_parts()
    tombstones()
    community()
    records()
    uploads()
    record(1, oldest_code=1)


def downgrade() -> None:
    drop(
        *("upload_files", "upload_sessions"),
        *("audit", "rate_limits", "chapter_ratings", "series_ratings", "comments"),
        *("tombstones", "pages", "chapter_teams", "chapter_stats", "chapters"),
        *("search_terms", "series_stats", "series_teams", "series_slugs", "series_titles", "series"),
        *("files", "team_members", "teams", "grants", "permissions", "sessions", "users"),
        *("counters", "schema_state"),
    )


def bookkeeping() -> None:
    table("schema_state", integer("id"), integer("revision"), integer("oldest_code"))
    table("counters", key("name", 40), big("value"), key="name")
    op.execute("DELETE FROM counters")
    op.execute("INSERT INTO counters (name, value) VALUES ('series', 0), ('chapters', 0), ('teams', 0)")


def people() -> None:
    table(
        "users",
        identifier("id"),
        text("username", 30),
        key("username_key", 190),
        text("email", 254),
        key("email_key", 254),
        text("password_hash", 255),
        key("role", 12),
        boolean("is_banned", default=False),
        text("ban_reason", 500, null=True),
        instant("banned_until", null=True),
        boolean("is_muted", default=False),
        instant("created_at"),
        instant("updated_at"),
        unique=["username_key", "email_key"],
        one_of={"role": "user uploader moderator admin"},
        indexes=["role, id", "created_at, id"],
    )


def rights() -> None:
    table(
        "sessions",
        identifier("id"),
        identifier("user_id"),
        instant("created_at"),
        instant("expires_at"),
        references={"user_id": "users"},
        indexes=["user_id", "expires_at"],
    )
    table("permissions", key("name", 50), text("description", 500, null=True), key="name")
    table(
        "grants",
        identifier("user_id"),
        key("permission", 50),
        identifier("granted_by", null=True),
        instant("granted_at"),
        key="user_id, permission",
        references={"user_id": "users", "permission": "permissions.name", "granted_by": "users"},
        indexes=["permission", "granted_by"],
    )


def teams() -> None:
    table(
        "teams",
        identifier("id"),
        text("name", 100),
        key("name_key", 190),
        long_text("description", null=True),
        long_text("links"),
        identifier("created_by", null=True),
        integer("version", default=1),
        instant("created_at"),
        instant("updated_at"),
        unique=["name_key"],
        references={"created_by": "users"},
        indexes=["created_at, id", "created_by"],
    )
    table(
        "team_members",
        identifier("team_id"),
        identifier("user_id"),
        key("role", 10),
        instant("joined_at"),
        key="team_id, user_id",
        references={"team_id": "teams", "user_id": "users"},
        one_of={"role": "leader member"},
        indexes=["user_id"],
    )


def files() -> None:
    table(
        "files",
        identifier("id"),
        key("storage_key", 200),
        key("sha256", 64),
        big("bytes"),
        key("type", 60),
        integer("width", null=True),
        integer("height", null=True),
        key("placeholder", 40, null=True),
        text("name", 255, null=True),
        identifier("owner_id", null=True),
        key("purpose", 10),
        key("state", 10),
        instant("created_at"),
        unique=["storage_key"],
        references={"owner_id": "users"},
        one_of={"purpose": "page cover file", "state": "ready pending"},
        indexes=["sha256", "owner_id", "state, created_at"],
    )


def series() -> None:
    table(
        "series",
        identifier("id"),
        key("slug", 120),
        text("title", 300),
        key("title_key", 300),
        text("author", 300),
        long_text("description"),
        key("type", 20),
        key("status", 12),
        key("direction", 4),
        key("language", 20),
        key("content_rating", 12),
        key("state", 10),
        instant("publish_at", null=True),
        instant("published_at", null=True),
        text("hidden_reason", 500, null=True),
        identifier("cover_file_id", null=True),
        identifier("created_by", null=True),
        integer("version", default=1),
        instant("created_at"),
        instant("updated_at"),
        unique=["slug"],
        references={"cover_file_id": "files", "created_by": "users"},
        one_of={
            "type": "manga manhwa manhua webtoon comic oneshot other",
            "status": "ongoing completed hiatus cancelled",
            "direction": "ltr rtl ttb",
            "content_rating": "safe suggestive mature",
            "state": STATES,
        },
        indexes=[
            "state, published_at, id",
            "state, title_key, id",
            "state, publish_at",
            "cover_file_id",
            "created_by",
        ],
    )


def series_parts() -> None:
    table(
        "series_titles",
        identifier("series_id"),
        small("position"),
        key("language", 20),
        text("title", 300),
        key="series_id, position",
        references={"series_id": "series"},
    )
    table(
        "series_slugs",
        key("slug", 120),
        identifier("series_id"),
        key="slug",
        references={"series_id": "series"},
        indexes=["series_id"],
    )
    table(
        "series_teams",
        identifier("series_id"),
        identifier("team_id"),
        key="series_id, team_id",
        references={"series_id": "series", "team_id": "teams"},
        indexes=["team_id"],
    )
    table(
        "series_stats",
        identifier("series_id"),
        integer("chapter_count", default=0),
        big("rating_sum", default=0),
        integer("rating_count", default=0),
        integer("rating_milli", default=0),
        instant("last_chapter_at", null=True),
        instant("active_at"),
        key="series_id",
        references={"series_id": "series"},
        indexes=["active_at, series_id", "rating_milli, series_id"],
    )
    table(
        "search_terms",
        key("term", 60),
        identifier("series_id"),
        key="term, series_id",
        references={"series_id": "series"},
        indexes=["series_id"],
    )


def chapters() -> None:
    table(
        "chapters",
        identifier("id"),
        identifier("series_id"),
        key("language", 20, default="und"),
        key("volume", 20, default=""),
        big("number_milli", null=True),
        text("label", 100, null=True),
        key("number_key", 130),
        key("release_key", 40, default=""),
        text("title", 300, null=True),
        key("state", 10),
        instant("publish_at", null=True),
        instant("published_at", null=True),
        text("hidden_reason", 500, null=True),
        integer("revision", default=0),
        integer("page_count", default=0),
        integer("version", default=1),
        identifier("created_by", null=True),
        instant("created_at"),
        instant("updated_at"),
        unique=["series_id, language, volume, number_key, release_key"],
        references={"series_id": "series", "created_by": "users"},
        one_of={"state": STATES},
        indexes=[
            "state, published_at, id",
            "series_id, state, number_key, id",
            "series_id, language, state, number_key",
            "series_id, state, published_at, id",
            "state, publish_at",
            "created_by",
        ],
    )


def chapter_parts() -> None:
    table(
        "chapter_stats",
        identifier("chapter_id"),
        big("rating_sum", default=0),
        integer("rating_count", default=0),
        key="chapter_id",
        references={"chapter_id": "chapters"},
    )
    table(
        "chapter_teams",
        identifier("chapter_id"),
        identifier("team_id"),
        key="chapter_id, team_id",
        references={"chapter_id": "chapters", "team_id": "teams"},
        indexes=["team_id"],
    )
    table(
        "pages",
        identifier("chapter_id"),
        integer("revision"),
        integer("position"),
        identifier("file_id"),
        boolean("wide"),
        key="chapter_id, revision, position",
        references={"chapter_id": "chapters", "file_id": "files"},
        indexes=["file_id"],
    )


def tombstones() -> None:
    table(
        "tombstones",
        key("kind", 10),
        identifier("id"),
        key("slug", 120),
        text("reason", 500, null=True),
        instant("at"),
        key="kind, id, slug",
        one_of={"kind": "series chapter"},
        indexes=["slug"],
    )


def community() -> None:
    table(
        "comments",
        identifier("id"),
        identifier("chapter_id"),
        identifier("user_id"),
        long_text("body"),
        instant("created_at"),
        instant("updated_at"),
        references={"chapter_id": "chapters", "user_id": "users"},
        indexes=["chapter_id, id", "user_id"],
    )
    ratings("series_ratings", "series_id", of="series")
    ratings("chapter_ratings", "chapter_id", of="chapters")


def records() -> None:
    table("rate_limits", key("name", 200), instant("full_at"), key="name")
    table(
        "audit",
        big("sequence"),
        instant("at"),
        identifier("actor_id", null=True),
        key("action", 50),
        key("target_kind", 20),
        key("target_id", 60),
        long_text("details"),
        key("previous_hash", 64),
        key("hash", 64),
        key="sequence",
        references={"actor_id": "users"},
        indexes=["actor_id", "target_kind, target_id"],
    )


def ratings(name: str, rated: str, *, of: str) -> None:
    table(
        name,
        identifier(rated),
        identifier("user_id"),
        small("rating"),
        instant("created_at"),
        instant("updated_at"),
        key=f"{rated}, user_id",
        references={rated: of, "user_id": "users"},
        check={"rating": "rating BETWEEN 1 AND 10"},
        indexes=["user_id"],
    )


def uploads() -> None:
    table(
        "upload_sessions",
        identifier("id"),
        identifier("user_id"),
        key("target_kind", 10),
        identifier("target_id", null=True),
        key("state", 10),
        instant("created_at"),
        instant("expires_at"),
        references={"user_id": "users"},
        one_of={"state": "open committed abandoned"},
        indexes=["user_id", "state, expires_at"],
    )
    table(
        "upload_files",
        identifier("id"),
        identifier("session_id"),
        integer("position"),
        text("name", 255),
        big("bytes"),
        key("type", 60),
        key("sha256", 64),
        key("state", 10),
        identifier("file_id", null=True),
        references={"session_id": "upload_sessions", "file_id": "files"},
        one_of={"state": "waiting complete"},
        indexes=["session_id", "file_id"],
    )
