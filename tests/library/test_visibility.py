"""Nothing hidden is told: not in lists, counts, searches, neighbours, addresses, nor by how a refusal sounds."""

from typing import Any

from tests.front import Asker, Site, everything, ids, refused, told


class Library:
    """Of each kind of thing one that is published, and one in each other state."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.owner = site.sign_up("uploader")
        self.shown = self.owner.makes_series("Shown")
        self.chapter = self.owner.publishes(self.shown, 1)
        self.hidden_chapters = [
            self.owner.makes_chapter(self.shown, 2),
            self._turned("hide", None),
            self._turned("publish", {"at": "2027-01-01T00:00:00Z"}),
        ]
        self.hidden_series = [self.owner.makes_series(f"Secret {state}") for state in ("draft", "hidden")]
        for series, state in zip(self.hidden_series, ("draft", "hidden"), strict=True):
            self.hidden_chapters.append(self.owner.publishes(series, 1))
            told(self.owner.patch(f"series/{series['id']}", {"state": state}))

    def _turned(self, verb: str, body: Any) -> Any:
        chapter = self.owner.publishes(self.shown, 3 if verb == "hide" else 4)
        return told(self.owner.post(f"chapters/{chapter['id']}/{verb}", body))


def knows(asker: Asker) -> dict[str, Any]:
    """All that somebody is told without asking for states."""
    lists = {path: everything(asker, path) for path in ("series", "chapters")}
    totals = {path: told(asker.get(path))["page"]["total"] for path in lists}
    return {"lists": lists, "totals": totals, "search": everything(asker, "series", q="secret")}


def test_strangers_are_told_of_what_is_published_only(any_site: Site) -> None:  # AZ-10
    library = Library(any_site)
    for asker in (any_site.stranger, any_site.sign_up(), any_site.sign_up("uploader")):
        told_of = knows(asker)
        assert ids({"data": told_of["lists"]["series"]}) == [library.shown["id"]]
        assert ids({"data": told_of["lists"]["chapters"]}) == [library.chapter["id"]]
        assert told_of["totals"] == {"series": 1, "chapters": 1}
        assert told_of["search"] == []
        shown = told(asker.get(f"series/{library.shown['id']}"))
        assert (shown["chapterCount"], shown["lastChapterAt"]) == (1, library.chapter["publishedAt"])
        chapters = told(asker.get(f"series/{library.shown['id']}/chapters"))
        assert (ids(chapters), chapters["page"]["total"]) == ([library.chapter["id"]], 1)
        beside = told(asker.get(f"chapters/{library.chapter['id']}"))
        assert (beside["previous"], beside["next"]) == (None, None)


def test_a_refusal_does_not_tell_that_there_is_something(any_site: Site) -> None:  # AZ-10
    library = Library(any_site)
    nothing = "01a20846-fe00-7ece-bc0b-f87796bb3294"
    for asker in (any_site.stranger, any_site.sign_up("uploader")):
        pairs = [(f"chapters/{one['id']}", f"chapters/{nothing}") for one in library.hidden_chapters]
        pairs += [(f"series/{one['id']}", f"series/{nothing}") for one in library.hidden_series]
        pairs += [(f"series/{one['slug']}", "series/nothing") for one in library.hidden_series]
        pairs += [(f"series/{one['id']}/chapters", f"series/{nothing}/chapters") for one in library.hidden_series]
        for hidden, none in pairs:
            for method, body in (("GET", None), ("PATCH", {}), ("DELETE", None)):
                if method != "GET" and ("/chapters" in hidden or not asker.token):
                    continue
                how: dict[str, Any] = {} if body is None else {"json": body}
                answers = [asker.ask(method, path, **how) for path in (hidden, none)]
                problems = [refused(answer, 404, "not_found") | {"requestId": ""} for answer in answers]
                assert problems[0] == problems[1]
                headers = [{**answer.headers, "x-request-id": ""} for answer in answers]
                assert headers[0] == headers[1]


def test_verbs_on_what_is_hidden_find_nothing(any_site: Site) -> None:  # AZ-10
    library = Library(any_site)
    other = any_site.sign_up("uploader")
    for chapter in library.hidden_chapters:
        path = f"chapters/{chapter['id']}"
        for answer in (
            other.post(f"{path}/publish"),
            other.post(f"{path}/hide"),
            other.send(f"{path}/pages"),
            other.put(f"{path}/pages", {"ids": []}),
        ):
            refused(answer, 404, "not_found")
    for series in library.hidden_series:
        refused(other.post(f"series/{series['id']}/chapters", {"number": 5}), 404, "not_found")


def test_who_may_see_it_is_shown_it(any_site: Site) -> None:
    library = Library(any_site)
    for asker in (library.owner, any_site.sign_up("moderator"), any_site.sign_up("admin")):
        for chapter in library.hidden_chapters:
            told(asker.get(f"chapters/{chapter['id']}"))
        for series in library.hidden_series:
            told(asker.get(f"series/{series['id']}"))
            told(asker.get(f"series/{series['slug']}"))
            told(asker.get(f"series/{series['id']}/chapters"))
        assert knows(asker)["totals"] == {"series": 1, "chapters": 1}


def test_states_are_asked_for_by_those_who_may_see_them(any_site: Site) -> None:
    library = Library(any_site)
    other = any_site.sign_up("uploader")
    own = other.makes_series("Own", state="draft")

    def titles(asker: Asker, state: str) -> list[str]:
        return [one["title"] for one in everything(asker, "series", state=state)]

    assert titles(library.owner, "draft") == ["Secret draft"]
    assert titles(library.owner, "hidden") == ["Secret hidden"]
    assert titles(other, "draft") == [own["title"]]
    assert sorted(titles(any_site.sign_up("moderator"), "draft")) == ["Own", "Secret draft"]
    for state in ("draft", "hidden", "scheduled"):
        assert titles(any_site.stranger, state) == []

    def chapters(asker: Asker, path: str, state: str) -> int:
        return len(everything(asker, path, state=state))

    for path in ("chapters", f"series/{library.shown['id']}/chapters"):
        for state in ("draft", "hidden", "scheduled"):
            assert chapters(library.owner, path, state) == 1
            assert chapters(other, path, state) == 0
            assert chapters(any_site.stranger, path, state) == 0


def test_a_draft_never_leaves_its_state_by_itself(any_site: Site) -> None:
    Library(any_site)
    before = knows(any_site.stranger)
    any_site.clock.forward(days=400)
    assert knows(any_site.stranger) == before


def test_hiding_a_series_hides_its_chapters_and_showing_it_shows_them(any_site: Site) -> None:
    library = Library(any_site)
    before = knows(any_site.stranger)
    path = f"series/{library.shown['id']}"
    told(library.owner.patch(path, {"state": "hidden"}))
    assert knows(any_site.stranger)["totals"] == {"series": 0, "chapters": 0}
    refused(any_site.stranger.get(f"chapters/{library.chapter['id']}"), 404)
    told(library.owner.patch(path, {"state": "published"}))
    after = knows(any_site.stranger)
    assert after["totals"] == before["totals"]
    assert ids({"data": after["lists"]["chapters"]}) == [library.chapter["id"]]
    assert after["lists"]["series"][0]["publishedAt"] == before["lists"]["series"][0]["publishedAt"]


def test_no_answer_tells_an_address_of_somebody_else(any_site: Site) -> None:  # AZ-07
    library = Library(any_site)
    team = library.owner.makes_team()
    paths = ["series", "chapters", "teams", f"teams/{team['id']}", f"users/{library.owner.id}"]
    paths += [f"series/{library.shown['id']}", f"chapters/{library.chapter['id']}"]
    for path in paths:
        text = any_site.sign_up("admin").get(path).text
        assert "@" not in text
        assert "password" not in text
        assert "storage" not in text
