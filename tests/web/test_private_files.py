"""FILES=private: this service asks who may, and sends them on to the storage, which shows that one file for a while."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from roliascan.library import sweep
from roliascan.storage import open_storage
from tests.front import PAGE, Asker, Site, key_of, refused, told
from tests.servers import azurite, radosgw
from tests.storage.raw import Raw
from tests.storage.test_s3_uploads import at_work, documented, send

KINDS = [
    pytest.param("s3", marks=pytest.mark.radosgw),
    pytest.param("azure", marks=pytest.mark.azurite),
    pytest.param("gcs", marks=pytest.mark.gcs),
]
SENT_ON = "private, no-store"


@pytest.fixture(params=KINDS)
def private(request: pytest.FixtureRequest, site_url: str) -> Iterator[Site]:
    url = request.getfixturevalue(f"{request.param}_url")
    with at_work(site_url, open_storage(url, azure_key=azurite.KEY), STORAGE_URL=url, FILES="private") as site:
        yield site


def follows(asker: Asker, url: str, method: str = "GET", **headers: str) -> Any:
    """Where a reader gets to, as browsers do: with the same method and headers, but no token of ours."""
    answer = asker.ask(method, url)
    assert (answer.status_code, answer.content) == (307, b"")
    assert answer.headers["cache-control"] == SENT_ON
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "etag" not in answer.headers
    return send(answer.headers["location"], method, headers)


def test_a_page_is_read_at_the_storage(private: Site) -> None:  # ST-13
    owner = private.sign_up("uploader")
    chapter = owner.publishes(owner.makes_series())
    (page,) = told(private.stranger.get(f"chapters/{chapter['id']}"))["pages"]
    assert key_of(page["url"]) == private.stored[0]  # as ever: ours, and not signed
    read = follows(private.stranger, page["url"])
    assert (read.status, read.body, read.headers["content-type"]) == (200, PAGE, "image/png")
    assert read.headers["content-disposition"].startswith("inline; filename*=UTF-8''")
    part = follows(private.stranger, page["url"], Range="bytes=5-9")
    assert (part.status, part.body) == (206, PAGE[5:10])
    looked = follows(private.stranger, page["url"], "HEAD")
    assert (looked.status, looked.headers["content-length"]) == (200, str(len(PAGE)))
    location = private.stranger.get(page["url"]).headers["location"]
    assert send(location.partition("?")[0]).status in {401, 403, 404}


def test_a_document_is_saved_and_not_shown(private: Site) -> None:  # UP-25
    made = private.sign_up("uploader").files(b"%PDF-1.7\n%%EOF\n", "Règles & co.pdf")
    read = follows(private.stranger, made["url"])
    assert (read.status, read.headers["content-type"]) == (200, "application/pdf")
    assert read.headers["content-disposition"] == f"attachment; filename*=UTF-8''{quote('Règles & co.pdf')}"


def test_only_who_may_is_sent_on(private: Site) -> None:  # ST-13
    owner, other = private.sign_up("uploader"), private.sign_up("uploader")
    chapter = owner.makes_chapter(owner.makes_series())
    url = owner.adds_pages(chapter)["pages"][0]["url"]

    def seen_by_all(seen: bool) -> None:
        for asker in (private.stranger, other):
            for method in ("GET", "HEAD"):
                assert asker.ask(method, url).status_code == (307 if seen else 404)
        answer = owner.get(url)
        assert (answer.status_code, answer.headers["cache-control"]) == (307, SENT_ON)

    seen_by_all(False)
    told(owner.post(f"chapters/{chapter['id']}/publish"))
    seen_by_all(True)
    told(owner.post(f"chapters/{chapter['id']}/hide"))
    seen_by_all(False)
    before = private.stored
    swept = sweep.run(private.db, private.storage, now=private.clock.now, served_here=private.settings.serves_files)
    assert (swept.files_concealed, private.stored) == (0, before)
    for key in ("incoming/x.bin", "pages/../x", "pages/absent.png", "incoming/"):
        refused(owner.get(f"/uploads/{key}"), 404)


def test_no_cache_sends_a_head_where_a_get_was_sent(private: Site) -> None:
    """It might, with what it kept of a GET (RFC 9111, section 4); only Azure's signature is of no method."""
    url = private.sign_up("uploader").files(PAGE, "a.png")["url"]
    get, head = (private.stranger.ask(method, url) for method in ("GET", "HEAD"))
    by_method = private.settings.storage_url.partition(":")[0] in {"s3", "gs"}
    assert send(get.headers["location"], "HEAD").status == (403 if by_method else 200)
    assert send(head.headers["location"], "HEAD").status == 200
    assert "no-store" in get.headers["cache-control"]
    assert "no-store" in head.headers["cache-control"]


def test_an_address_is_good_for_five_minutes(private: Site) -> None:
    owner = private.sign_up("uploader")
    url = owner.publishes(owner.makes_series())["pages"][0]["url"]
    private.clock.now = datetime.now(UTC)
    location = private.stranger.get(url).headers["location"]
    query = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
    lasts = next((int(value) for name, value in query.items() if name.endswith("-Expires")), None)
    if lasts is None:
        ends = datetime.strptime(query["se"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        lasts = round((ends - private.clock.now).total_seconds())
    assert 240 < lasts <= 301


def test_a_folder_is_served_as_ever(site_url: str, tmp_path: Any) -> None:
    storage = open_storage(f"file:{tmp_path}/uploads")
    with at_work(site_url, storage, FILES="private") as site:
        owner = site.sign_up("uploader")
        answer = site.stranger.get(owner.publishes(owner.makes_series())["pages"][0]["url"])
        assert (answer.status_code, answer.content) == (200, PAGE)
        assert answer.headers["cache-control"].startswith("public, max-age=31536000")


def test_nothing_that_signs_is_told_or_logged(
    s3_url: str, site_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:  # ST-21
    with at_work(site_url, open_storage(s3_url), STORAGE_URL=s3_url, FILES="private") as site:
        owner = site.sign_up("uploader")
        url = owner.publishes(owner.makes_series())["pages"][0]["url"]
        location = site.stranger.get(url).headers["location"]
        signature = location.rpartition("Signature=")[2]
        assert len(signature) == 64
        assert radosgw.SECRET_KEY not in location
        (kept,) = [one for one in site.storage.list() if one.key == key_of(url)]
        assert kept
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with at_work(site_url, open_storage(s3_url), STORAGE_URL=s3_url, FILES="private") as site:
        refused(site.stranger.get(url), 503, "storage_unavailable")
    said = capsys.readouterr()
    assert not re.search(rf"Signature|{signature}|{radosgw.SECRET_KEY}|botocore", said.out + said.err)


# Past us, at IMAGE_URL: what was hidden.


def test_what_was_hidden_is_gone_from_the_bucket(s3_url: str, site_url: str) -> None:  # ST-13, UP-25
    raw = Raw(s3_url)
    images_at = f"{raw.client.meta.endpoint_url}/{raw.bucket}/{raw.prefix}"
    with at_work(site_url, open_storage(s3_url), STORAGE_URL=s3_url, IMAGE_URL=images_at) as site:
        owner = site.sign_up("uploader")
        chapter = owner.publishes(owner.makes_series(), pages=2)
        path = f"chapters/{chapter['id']}"
        raw.client.put_bucket_policy(Bucket=raw.bucket, Policy=documented("Principal", raw))
        try:
            before = [page["url"] for page in chapter["pages"]]
            assert [send(url).body for url in before] == [PAGE, PAGE]
            told(owner.post(f"{path}/hide"))
            how = {"now": site.clock.now, "served_here": site.settings.serves_files}
            assert sweep.run(site.db, site.storage, **how).files_concealed == 2
            assert {send(url).status for url in before} == {403}  # as all that is not there, for who may not list
            after = [page["url"] for page in told(owner.get(path))["pages"]]
            shown = [send(url) for url in after]
            assert [answer.body for answer in shown] == [PAGE, PAGE]
            assert shown[0].headers["content-type"] == "image/png"
            assert shown[0].headers["cache-control"] == "public, max-age=31536000, s-maxage=86400, immutable"
            assert len(site.stored) == 2
        finally:
            raw.client.delete_bucket_policy(Bucket=raw.bucket)
