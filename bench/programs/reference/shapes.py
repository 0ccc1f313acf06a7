"""What the reference takes and gives."""

# mypy: ignore-errors

from datetime import datetime
from typing import Annotated, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, HttpUrl
from pydantic.alias_generators import to_camel

T = TypeVar("T")
SeriesType = Literal["manga", "manhwa", "manhua", "webtoon", "comic", "oneshot", "other"]
Status = Literal["ongoing", "completed", "hiatus", "cancelled"]
Direction = Literal["ltr", "rtl", "ttb"]
ContentRating = Literal["safe", "suggestive", "mature"]
State = Literal["draft", "scheduled", "published", "hidden"]
Title = Annotated[str, Field(min_length=1, max_length=300)]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Language = Annotated[str, Field(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$", max_length=20)]
LongText = Annotated[str, Field(max_length=10_000)]
TeamIds = Annotated[list[UUID], Field(max_length=20)]


class Sent(BaseModel):
    model_config = ConfigDict(
        extra="forbid", alias_generator=to_camel, populate_by_name=True, str_strip_whitespace=True
    )


class Shown(BaseModel):
    model_config = ConfigDict(from_attributes=True, alias_generator=to_camel, populate_by_name=True)


class PageInfo(Shown):
    limit: int
    number: int | None
    total: int | None
    next: str | None


class PageOf(Shown, Generic[T]):
    data: list[T]
    page: PageInfo


class Health(Shown):
    status: str


class Readiness(Shown):
    status: str
    database: str
    storage: str


class Registration(Sent):
    username: Annotated[str, Field(min_length=3, max_length=30)]
    email: Annotated[str, Field(max_length=254)]
    password: Annotated[str, Field(min_length=8, max_length=200)]


class Login(Sent):
    login: str
    password: str


class AccountChange(Sent):
    username: str | None = None
    email: str | None = None
    password: str | None = None
    current_password: str | None = None


class User(Shown):
    id: UUID
    username: str
    role: str
    created_at: datetime


class Account(User):
    email: str
    permissions: list[str]


class SignedIn(Shown):
    token: str
    expires_at: datetime
    user: Account


class TeamName(Shown):
    id: UUID
    name: str


class Link(Sent):
    label: Name
    url: HttpUrl


class NewTeam(Sent):
    name: Name
    description: LongText | None = None
    links: Annotated[list[Link], Field(max_length=20)] = []


class TeamChange(Sent):
    name: Name | None = None
    description: LongText | None = None
    links: Annotated[list[Link], Field(max_length=20)] | None = None


class Membership(Sent):
    role: Literal["leader", "member"]


class Member(Shown):
    id: UUID
    username: str
    role: str


class TeamItem(Shown):
    id: UUID
    name: str
    description: str | None
    member_count: int
    created_at: datetime


class Team(Shown):
    id: UUID
    name: str
    description: str | None
    links: list[Link]
    members: list[Member]
    version: int
    created_at: datetime
    updated_at: datetime


class AltTitle(Shown):
    language: Language
    title: Title


class SeriesItem(Shown):
    id: UUID
    slug: str
    title: str
    type: str
    status: str
    direction: str
    language: str
    content_rating: str
    author: str
    description: str
    cover: str | None
    chapter_count: int
    rating: float | None
    rating_count: int
    last_chapter_at: datetime | None
    state: str
    published_at: datetime | None
    created_at: datetime
    updated_at: datetime


class Series(SeriesItem):
    titles: list[AltTitle]
    teams: list[TeamName]
    version: int


class NewSeries(Sent):
    title: Title
    author: Title
    description: LongText | None = None
    type: SeriesType = "manga"
    status: Status = "ongoing"
    direction: Direction | None = None
    language: Language = "und"
    content_rating: ContentRating = "safe"
    titles: Annotated[list[AltTitle], Field(max_length=50)] = []
    team_ids: TeamIds = []
    cover_id: UUID | None = None
    state: Literal["published", "draft"] = "published"


class SeriesChange(Sent):
    title: Title | None = None
    author: Title | None = None
    description: LongText | None = None
    type: SeriesType | None = None
    status: Status | None = None
    direction: Direction | None = None
    language: Language | None = None
    content_rating: ContentRating | None = None
    titles: Annotated[list[AltTitle], Field(max_length=50)] | None = None
    team_ids: TeamIds | None = None
    cover_id: UUID | None = None
    state: Literal["published", "draft", "hidden"] | None = None


class SeriesName(Shown):
    id: UUID
    slug: str
    title: str


class ChapterItem(Shown):
    id: UUID
    series: SeriesName
    number: float | None
    label: str | None
    title: str | None
    volume: str | None
    language: str
    teams: list[TeamName]
    state: str
    published_at: datetime | None
    page_count: int


class ChapterPage(Shown):
    id: UUID
    number: int
    url: str
    width: int
    height: int
    bytes: int
    type: str
    wide: bool
    placeholder: str | None


class Neighbour(Shown):
    id: UUID
    number: float | None
    label: str | None
    title: str | None


class Chapter(ChapterItem):
    publish_at: datetime | None
    pages: list[ChapterPage]
    previous: Neighbour | None
    next: Neighbour | None
    rating: float | None
    rating_count: int
    version: int


class ChapterDraft(Sent):
    number: Annotated[float, Field(ge=0, le=999999.999)] | None = None
    label: Name | None = None
    title: Title | None = None
    volume: Annotated[str, Field(max_length=20)] | None = None
    language: Language = "und"
    team_ids: TeamIds = []


class Publication(Sent):
    at: datetime | None = None


class Hiding(Sent):
    reason: Annotated[str, Field(max_length=500)] | None = None


class Arrangement(Sent):
    pages: list[UUID]
