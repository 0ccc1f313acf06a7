"""The app of the reference: as many routes as ours, of which the list of series is worked out."""

# mypy: ignore-errors

from pathlib import Path
from typing import Annotated
from uuid import UUID

import boto3
import jwt
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from fastapi.templating import Jinja2Templates
from mangum import Mangum
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import joinedload

from . import models, shapes
from .settings import Settings

settings = Settings()
engine = create_async_engine(settings.async_url, pool_size=settings.database_pool)
sessions = async_sessionmaker(engine, expire_on_commit=False)
storage = boto3.client("s3")
templates = Jinja2Templates(directory=Path(__file__).parent / "templates")
bearer = HTTPBearer(auto_error=False)


async def session():
    """A session for the time of a request."""
    async with sessions() as opened:
        yield opened


async def person(
    db: Annotated[AsyncSession, Depends(session)],
    token: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
):
    """Who asks."""
    if token is None:
        raise HTTPException(401)
    try:
        claims = jwt.decode(token.credentials, settings.jwt_secret.get_secret_value(), algorithms=["HS256"])
    except jwt.InvalidTokenError as error:
        raise HTTPException(401) from error
    found = await db.get(models.Session, UUID(claims["sid"]), options=[joinedload(models.Session.user)])
    if found is None:
        raise HTTPException(401)
    return found.user


Db = Annotated[AsyncSession, Depends(session)]
Person = Annotated[models.User, Depends(person)]
Limit = Annotated[int, Query(ge=1, le=100)]
State = shapes.State

api = APIRouter(prefix="/api/v1")


@api.get("/series")
async def list_series(
    db: Db,
    limit: Limit = 20,
    page: Annotated[int | None, Query(ge=1)] = None,
    cursor: str | None = None,
    sort: str = "newest",
    q: str | None = None,
    status: shapes.Status | None = None,
    type: shapes.SeriesType | None = None,
    language: shapes.Language | None = None,
    team: UUID | None = None,
    state: State = "published",
) -> shapes.PageOf[shapes.SeriesItem]:
    wanted = (
        select(models.Series, models.Counter.value)
        .join(models.Counter, models.Counter.name == "series")
        .options(joinedload(models.Series.stats, innerjoin=True), joinedload(models.Series.cover))
        .where(models.Series.state == state)
        .order_by(models.Series.published_at.desc(), models.Series.id.desc())
        .limit(limit + 1)
    )
    rows = (await db.execute(wanted)).all()
    total = rows[0][1] if rows else 0
    following = str(rows[limit - 1][0].id) if len(rows) > limit else None
    info = shapes.PageInfo(limit=limit, number=page or 1, total=total, next=following)
    return shapes.PageOf(data=[_item(one) for one, _ in rows[:limit]], page=info)


def _item(one: models.Series) -> shapes.SeriesItem:
    return shapes.SeriesItem(
        id=one.id,
        slug=one.slug,
        title=one.title,
        type=one.type,
        status=one.status,
        direction=one.direction,
        language=one.language,
        content_rating=one.content_rating,
        author=one.author,
        description=one.description,
        cover=f"/uploads/{one.cover.storage_key}" if one.cover else None,
        chapter_count=one.stats.chapter_count,
        rating=one.stats.rating_milli / 1000 if one.stats.rating_count else None,
        rating_count=one.stats.rating_count,
        last_chapter_at=one.stats.last_chapter_at,
        state=one.state,
        published_at=one.published_at,
        created_at=one.created_at,
        updated_at=one.updated_at,
    )


@api.post("/auth/register", status_code=201)
async def register(db: Db, body: shapes.Registration) -> shapes.Account:
    raise NotImplementedError


@api.post("/auth/login")
async def login(db: Db, body: shapes.Login) -> shapes.SignedIn:
    raise NotImplementedError


@api.post("/auth/logout", status_code=204)
async def logout(db: Db, who: Person) -> None:
    raise NotImplementedError


@api.get("/auth/me")
async def me(db: Db, who: Person) -> shapes.Account:
    raise NotImplementedError


@api.patch("/auth/me")
async def change_me(db: Db, who: Person, body: shapes.AccountChange) -> shapes.Account:
    raise NotImplementedError


@api.get("/users/{user}")
async def show_user(db: Db, user: UUID) -> shapes.User:
    raise NotImplementedError


@api.post("/series", status_code=201)
async def create_series(db: Db, who: Person, body: shapes.NewSeries) -> shapes.Series:
    raise NotImplementedError


@api.get("/series/{series}")
async def show_series(db: Db, series: str) -> shapes.Series:
    raise NotImplementedError


@api.patch("/series/{series}")
async def change_series(db: Db, who: Person, series: UUID, body: shapes.SeriesChange) -> shapes.Series:
    raise NotImplementedError


@api.delete("/series/{series}", status_code=204)
async def remove_series(db: Db, who: Person, series: UUID, reason: str | None = None) -> None:
    raise NotImplementedError


@api.get("/series/{series}/chapters")
async def list_chapters(
    db: Db,
    series: UUID,
    limit: Limit = 20,
    cursor: str | None = None,
    language: shapes.Language | None = None,
    state: State = "published",
) -> shapes.PageOf[shapes.ChapterItem]:
    raise NotImplementedError


@api.post("/series/{series}/chapters", status_code=201)
async def create_chapter(db: Db, who: Person, series: UUID, body: shapes.ChapterDraft) -> shapes.Chapter:
    raise NotImplementedError


@api.get("/chapters")
async def feed(
    db: Db,
    limit: Limit = 20,
    cursor: str | None = None,
    series: UUID | None = None,
    team: UUID | None = None,
    language: shapes.Language | None = None,
    state: State = "published",
) -> shapes.PageOf[shapes.ChapterItem]:
    raise NotImplementedError


@api.get("/chapters/{chapter}")
async def show_chapter(db: Db, chapter: UUID) -> shapes.Chapter:
    raise NotImplementedError


@api.patch("/chapters/{chapter}")
async def change_chapter(db: Db, who: Person, chapter: UUID, body: shapes.ChapterDraft) -> shapes.Chapter:
    raise NotImplementedError


@api.delete("/chapters/{chapter}", status_code=204)
async def remove_chapter(db: Db, who: Person, chapter: UUID, reason: str | None = None) -> None:
    raise NotImplementedError


@api.post("/chapters/{chapter}/publish")
async def publish(db: Db, who: Person, chapter: UUID, body: shapes.Publication | None = None) -> shapes.Chapter:
    raise NotImplementedError


@api.post("/chapters/{chapter}/hide")
async def hide(db: Db, who: Person, chapter: UUID, body: shapes.Hiding | None = None) -> shapes.Chapter:
    raise NotImplementedError


@api.post("/chapters/{chapter}/pages")
async def add_pages(db: Db, who: Person, chapter: UUID, request: Request) -> shapes.Chapter:
    raise NotImplementedError


@api.put("/chapters/{chapter}/pages")
async def arrange_pages(db: Db, who: Person, chapter: UUID, body: shapes.Arrangement) -> shapes.Chapter:
    raise NotImplementedError


@api.get("/teams")
async def list_teams(db: Db, limit: Limit = 20, cursor: str | None = None) -> shapes.PageOf[shapes.TeamItem]:
    raise NotImplementedError


@api.post("/teams", status_code=201)
async def create_team(db: Db, who: Person, body: shapes.NewTeam) -> shapes.Team:
    raise NotImplementedError


@api.get("/teams/{team}")
async def show_team(db: Db, team: UUID) -> shapes.Team:
    raise NotImplementedError


@api.patch("/teams/{team}")
async def change_team(db: Db, who: Person, team: UUID, body: shapes.TeamChange) -> shapes.Team:
    raise NotImplementedError


@api.delete("/teams/{team}", status_code=204)
async def remove_team(db: Db, who: Person, team: UUID) -> None:
    raise NotImplementedError


@api.put("/teams/{team}/members/{user}")
async def set_member(db: Db, who: Person, team: UUID, user: UUID, body: shapes.Membership) -> shapes.Team:
    raise NotImplementedError


@api.delete("/teams/{team}/members/{user}", status_code=204)
async def remove_member(db: Db, who: Person, team: UUID, user: UUID) -> None:
    raise NotImplementedError


app = FastAPI(title="Reference")
app.include_router(api)
app.add_middleware(CORSMiddleware, allow_origins=settings.cors_origins)


@app.get("/health")
async def health() -> shapes.Health:
    return shapes.Health(status="ok")


@app.get("/ready")
async def ready(db: Db) -> shapes.Readiness:
    raise NotImplementedError


@app.get("/uploads/{key:path}")
async def stored(key: str):
    raise NotImplementedError


@app.get("/read/{chapter}")
async def page(request: Request, chapter: UUID):
    return templates.TemplateResponse(request, "chapter.html")


handler = Mangum(app, lifespan="off")
