"""Tables of the reference, in the same schema."""

# mypy: ignore-errors

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    type_annotation_map: ClassVar = {datetime: DateTime(timezone=True)}


class Stamped:
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Counter(Base):
    __tablename__ = "counters"
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger)


class User(Stamped, Base):
    __tablename__ = "users"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(30))
    username_key: Mapped[str] = mapped_column(String(190), unique=True)
    email: Mapped[str] = mapped_column(String(254))
    email_key: Mapped[str] = mapped_column(String(254), unique=True)
    password_hash: Mapped[str] = mapped_column(String(255))
    role: Mapped[str] = mapped_column(String(12))
    is_banned: Mapped[bool] = mapped_column(default=False)
    banned_until: Mapped[datetime | None]
    is_muted: Mapped[bool] = mapped_column(default=False)
    sessions: Mapped[list["Session"]] = relationship(back_populates="user")
    grants: Mapped[list["Grant"]] = relationship(foreign_keys="Grant.user_id")


class Session(Base):
    __tablename__ = "sessions"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    user: Mapped[User] = relationship(back_populates="sessions")


class Permission(Base):
    __tablename__ = "permissions"
    name: Mapped[str] = mapped_column(String(50), primary_key=True)
    description: Mapped[str | None] = mapped_column(String(500))


class Grant(Base):
    __tablename__ = "grants"
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    permission: Mapped[str] = mapped_column(ForeignKey("permissions.name"), primary_key=True)
    granted_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    granted_at: Mapped[datetime]


class TeamMember(Base):
    __tablename__ = "team_members"
    team_id: Mapped[UUID] = mapped_column(ForeignKey("teams.id"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    role: Mapped[str] = mapped_column(String(10))
    joined_at: Mapped[datetime]
    user: Mapped[User] = relationship()


class Team(Stamped, Base):
    __tablename__ = "teams"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    name_key: Mapped[str] = mapped_column(String(190), unique=True)
    description: Mapped[str | None] = mapped_column(Text)
    links: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(default=1)
    members: Mapped[list[TeamMember]] = relationship()


class File(Base):
    __tablename__ = "files"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    storage_key: Mapped[str] = mapped_column(String(200), unique=True)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    bytes: Mapped[int] = mapped_column(BigInteger)
    type: Mapped[str] = mapped_column(String(60))
    width: Mapped[int | None]
    height: Mapped[int | None]
    placeholder: Mapped[str | None] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(10))
    created_at: Mapped[datetime]


class SeriesTitle(Base):
    __tablename__ = "series_titles"
    series_id: Mapped[UUID] = mapped_column(ForeignKey("series.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    language: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(String(300))


class SeriesSlug(Base):
    __tablename__ = "series_slugs"
    slug: Mapped[str] = mapped_column(String(120), primary_key=True)
    series_id: Mapped[UUID] = mapped_column(ForeignKey("series.id"), index=True)


class SeriesTeam(Base):
    __tablename__ = "series_teams"
    series_id: Mapped[UUID] = mapped_column(ForeignKey("series.id"), primary_key=True)
    team_id: Mapped[UUID] = mapped_column(ForeignKey("teams.id"), primary_key=True)


class SeriesStats(Base):
    __tablename__ = "series_stats"
    series_id: Mapped[UUID] = mapped_column(ForeignKey("series.id"), primary_key=True)
    chapter_count: Mapped[int] = mapped_column(default=0)
    rating_milli: Mapped[int] = mapped_column(default=0)
    rating_count: Mapped[int] = mapped_column(default=0)
    last_chapter_at: Mapped[datetime | None]


class Series(Stamped, Base):
    __tablename__ = "series"
    __table_args__ = (Index("ix_series_state_published_at_id", "state", "published_at", "id"),)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(120), unique=True)
    title: Mapped[str] = mapped_column(String(300))
    title_key: Mapped[str] = mapped_column(String(300))
    author: Mapped[str] = mapped_column(String(300))
    description: Mapped[str] = mapped_column(Text)
    type: Mapped[str] = mapped_column(String(20))
    status: Mapped[str] = mapped_column(String(12))
    direction: Mapped[str] = mapped_column(String(4))
    language: Mapped[str] = mapped_column(String(20))
    content_rating: Mapped[str] = mapped_column(String(12))
    state: Mapped[str] = mapped_column(String(10))
    published_at: Mapped[datetime | None]
    cover_file_id: Mapped[UUID | None] = mapped_column(ForeignKey("files.id"))
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    version: Mapped[int] = mapped_column(default=1)
    cover: Mapped[File | None] = relationship()
    stats: Mapped[SeriesStats] = relationship()
    titles: Mapped[list[SeriesTitle]] = relationship(order_by=SeriesTitle.position)
    teams: Mapped[list[Team]] = relationship(secondary="series_teams")
    chapters: Mapped[list["Chapter"]] = relationship(back_populates="series")


class ChapterStats(Base):
    __tablename__ = "chapter_stats"
    chapter_id: Mapped[UUID] = mapped_column(ForeignKey("chapters.id"), primary_key=True)
    rating_sum: Mapped[int] = mapped_column(BigInteger, default=0)
    rating_count: Mapped[int] = mapped_column(default=0)


class ChapterTeam(Base):
    __tablename__ = "chapter_teams"
    chapter_id: Mapped[UUID] = mapped_column(ForeignKey("chapters.id"), primary_key=True)
    team_id: Mapped[UUID] = mapped_column(ForeignKey("teams.id"), primary_key=True)


class Page(Base):
    __tablename__ = "pages"
    chapter_id: Mapped[UUID] = mapped_column(ForeignKey("chapters.id"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    file_id: Mapped[UUID] = mapped_column(ForeignKey("files.id"))
    wide: Mapped[bool]
    file: Mapped[File] = relationship()


class Chapter(Stamped, Base):
    __tablename__ = "chapters"
    __table_args__ = (UniqueConstraint("series_id", "language", "volume", "number_key", "release_key"),)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    series_id: Mapped[UUID] = mapped_column(ForeignKey("series.id"))
    language: Mapped[str] = mapped_column(String(20))
    volume: Mapped[str] = mapped_column(String(20))
    number_milli: Mapped[int | None] = mapped_column(BigInteger)
    number_key: Mapped[str] = mapped_column(String(130))
    release_key: Mapped[str] = mapped_column(String(40))
    label: Mapped[str | None] = mapped_column(String(100))
    title: Mapped[str | None] = mapped_column(String(300))
    state: Mapped[str] = mapped_column(String(10))
    publish_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None]
    revision: Mapped[int] = mapped_column(default=0)
    page_count: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column(default=1)
    series: Mapped[Series] = relationship(back_populates="chapters")
    teams: Mapped[list[Team]] = relationship(secondary="chapter_teams")
    pages: Mapped[list[Page]] = relationship(order_by=Page.position)
    stats: Mapped[ChapterStats | None] = relationship()


class Comment(Stamped, Base):
    __tablename__ = "comments"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    chapter_id: Mapped[UUID] = mapped_column(ForeignKey("chapters.id"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    body: Mapped[str] = mapped_column(Text)
    user: Mapped[User] = relationship()
