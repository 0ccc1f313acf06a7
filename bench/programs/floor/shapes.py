"""What the floor takes and gives: the types of a site such as ours."""

from datetime import datetime
from typing import Annotated, Generic, Literal, TypeVar

from msgspec import Meta, Struct

T = TypeVar("T")
SeriesType = Literal["manga", "manhwa", "manhua", "webtoon", "comic", "oneshot", "other"]
Status = Literal["ongoing", "completed", "hiatus", "cancelled"]
Direction = Literal["ltr", "rtl", "ttb"]
ContentRating = Literal["safe", "suggestive", "mature"]
State = Literal["draft", "scheduled", "published", "hidden"]
Title = Annotated[str, Meta(min_length=1, max_length=300)]
Name = Annotated[str, Meta(min_length=1, max_length=100)]


class PageInfo(Struct):
    limit: int
    number: int | None
    total: int | None
    next: str | None


class Page(Struct, Generic[T]):
    data: list[T]
    page: PageInfo


class Health(Struct):
    status: str


class Readiness(Struct):
    status: str
    database: str
    storage: str


class Problem(Struct):
    type: str
    title: str
    status: int
    detail: str


class ListQuery(Struct):
    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    page: int | None = None
    cursor: str | None = None


class SeriesQuery(ListQuery):
    sort: Literal["newest", "updated", "title", "rating"] = "newest"
    q: str | None = None
    status: Status | None = None
    type: SeriesType | None = None
    language: str | None = None
    team: str | None = None
    state: State = "published"


class ChaptersQuery(ListQuery):
    series: str | None = None
    team: str | None = None
    language: str | None = None
    state: State = "published"


class Registration(Struct, rename="camel"):
    username: Annotated[str, Meta(min_length=3, max_length=30)]
    email: Annotated[str, Meta(max_length=254)]
    password: Annotated[str, Meta(min_length=8, max_length=200)]


class Login(Struct, rename="camel"):
    login: str
    password: str


class AccountChange(Struct, rename="camel"):
    username: str | None = None
    email: str | None = None
    password: str | None = None
    current_password: str | None = None


class User(Struct, rename="camel"):
    id: str
    username: str
    role: str
    created_at: str


class Account(User):
    email: str
    permissions: list[str]


class SignedIn(Struct, rename="camel"):
    token: str
    expires_at: str
    user: Account


class TeamName(Struct):
    id: str
    name: str


class Link(Struct):
    label: Name
    url: str


class NewTeam(Struct):
    name: Name
    description: str | None = None
    links: Annotated[list[Link], Meta(max_length=20)] = []


class TeamChange(Struct):
    name: Name | None = None
    description: str | None = None
    links: Annotated[list[Link], Meta(max_length=20)] | None = None


class Membership(Struct):
    role: Literal["leader", "member"]


class Member(Struct):
    id: str
    username: str
    role: str


class TeamItem(Struct, rename="camel"):
    id: str
    name: str
    description: str | None
    member_count: int
    created_at: str


class Team(Struct, rename="camel"):
    id: str
    name: str
    description: str | None
    links: list[Link]
    members: list[Member]
    version: int
    created_at: str
    updated_at: str


class AltTitle(Struct):
    language: str
    title: Title


class SeriesItem(Struct, rename="camel"):
    id: str
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
    last_chapter_at: datetime | str | None
    state: str
    published_at: datetime | str | None
    created_at: datetime | str
    updated_at: datetime | str


class Series(SeriesItem):
    titles: list[AltTitle]
    teams: list[TeamName]
    version: int


class NewSeries(Struct, rename="camel"):
    title: Title
    author: Title
    description: str | None = None
    type: SeriesType = "manga"
    status: Status = "ongoing"
    direction: Direction | None = None
    language: str = "und"
    content_rating: ContentRating = "safe"
    titles: Annotated[list[AltTitle], Meta(max_length=50)] = []
    team_ids: list[str] = []
    cover_id: str | None = None
    state: State = "published"


class SeriesChange(Struct, rename="camel"):
    title: Title | None = None
    author: Title | None = None
    description: str | None = None
    type: SeriesType | None = None
    status: Status | None = None
    direction: Direction | None = None
    language: str | None = None
    content_rating: ContentRating | None = None
    titles: Annotated[list[AltTitle], Meta(max_length=50)] | None = None
    team_ids: list[str] | None = None
    cover_id: str | None = None
    state: State | None = None


class SeriesName(Struct):
    id: str
    slug: str
    title: str


class ChapterItem(Struct, rename="camel"):
    id: str
    series: SeriesName
    number: int | float | None
    label: str | None
    title: str | None
    volume: str | None
    language: str
    teams: list[TeamName]
    state: str
    published_at: str | None
    page_count: int


class ChapterPage(Struct):
    id: str
    number: int
    url: str
    width: int
    height: int
    bytes: int
    type: str
    wide: bool
    placeholder: str | None


class Neighbour(Struct):
    id: str
    number: int | float | None
    label: str | None
    title: str | None


class Chapter(ChapterItem):
    publish_at: str | None
    pages: list[ChapterPage]
    previous: Neighbour | None
    next: Neighbour | None
    rating: float | None
    rating_count: int
    version: int


class ChapterDraft(Struct, rename="camel"):
    number: Annotated[float, Meta(ge=0, le=999999.999)] | None = None
    label: Name | None = None
    title: Title | None = None
    volume: Annotated[str, Meta(max_length=20)] | None = None
    language: str = "und"
    team_ids: list[str] = []


class Publication(Struct):
    at: datetime | None = None


class Hiding(Struct):
    reason: str | None = None


class Arrangement(Struct):
    pages: list[str]


class Reason(Struct):
    reason: str | None = None
