"""Text: as it is stored, compared, searched and put in addresses."""

import time
import unicodedata

import hypothesis.strategies as st
import pytest
from hypothesis import given

from roliascan import text
from roliascan.text import SLUG_LENGTH, TERM_LENGTH, fold, slug, sort_key, terms, tidy

ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)


@given(ANY)
def test_tidy_text_stays_as_it_is(given_text: str) -> None:
    once = tidy(given_text)
    assert tidy(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert once == once.strip()


@given(ANY)
def test_equal_text_in_other_forms_folds_alike(given_text: str) -> None:
    folded = fold(given_text)
    for form in ("NFC", "NFD"):
        assert fold(unicodedata.normalize(form, given_text)) == folded


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ÁÉÍ", "aei"),
        ("Ａｂｃ１", "abc1"),
        ("STRASSE", "straße"),
        ("ﬁn", "FIN"),
        ("ｶﾞ", "ガ"),
        ("Ǆ", "dž"),
        ("İ", "i"),
        ("한글", "한글"),
    ],
)
def test_case_accents_and_width_do_not_count(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), [("か", "が"), ("は", "ぱ"), ("a", "b"), ("ア", "あ"), ("漢", "汉")])
def test_other_letters_stay_others(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@pytest.mark.parametrize(
    ("given_text", "found"),
    [
        ("The Quick, brown fox!", {"the", "quick", "brown", "fox"}),
        ("", set()),
        ("!?… ___ 😀", set()),
        ("snake_case", {"snake_case"}),
        ("東京喰種", {"東京", "京喰", "喰種"}),
        ("猫", {"猫"}),
        ("ABC東京", {"abc", "東京"}),
        ("東京2020年", {"東京", "2020", "年"}),
        ("나 혼자만", {"나", "혼자", "자만"}),
        ("𠮷野家", {"𠮷野", "野家"}),
        ("x" * 100, {"x" * TERM_LENGTH}),
        ("O'Brien-Smith", {"o", "brien", "smith"}),
    ],
)
def test_terms_are_words_and_pairs(given_text: str, found: set[str]) -> None:
    assert terms(given_text) == found


def test_terms_of_several_texts_are_one_set() -> None:
    assert terms("a b", "b c") == {"a", "b", "c"}


@given(ANY)
def test_terms_fit_their_column_and_find_themselves(given_text: str) -> None:
    found = terms(given_text)
    for term in found:
        assert 0 < len(term) <= TERM_LENGTH
        assert terms(term) <= found | {term}
        assert term == term.strip()


@given(ANY)
def test_a_slug_is_ascii_and_never_empty(given_text: str) -> None:  # IN-09
    made = slug(given_text, "series")
    assert 0 < len(made) <= SLUG_LENGTH
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert not made.startswith("-")
    assert not made.endswith("-")
    assert "--" not in made


@pytest.mark.parametrize(
    ("title", "made"),
    [
        ("One Piece", "one-piece"),
        ("Ünï—cödé", "uni-code"),
        ("Jojo's", "jojos"),
        ("", "series"),
        ("01a20846-fe00-7ece-bc0b-f87796bb3294", "series"),
        ("01A20846 fe00 7ece bc0b f87796bb3294", "series"),
        ("a" * 79 + "-b", "a" * 79),
    ],
)
def test_a_slug_reads_as_its_title(title: str, made: str) -> None:
    assert slug(title, "series") == made


@given(ANY)
def test_a_key_to_sort_by_fits_its_column(given_text: str) -> None:
    assert len(sort_key(given_text * 10)) <= 300
    assert len(sort_key(given_text, 5)) <= 5


@pytest.mark.parametrize("make", [tidy, fold, lambda one: slug(one, "x"), lambda one: terms(one)])
@pytest.mark.parametrize("unit", ["a", " ", "-", "_", "\u0301", "漫", "a-", "\ufdfa", "'", "😀"])
def test_long_text_takes_time_in_proportion(make: object, unit: str) -> None:  # IN-08
    def took(length: int) -> float:
        started = time.thread_time()
        make(unit * length)  # type: ignore[operator]
        return time.thread_time() - started

    took(1_000)
    assert min(took(64_000), took(64_000)) < 64 * (min(took(4_000) for _ in range(3)) + 0.001)  # 16, or 256


def test_lengths_are_as_the_schema_has_them() -> None:
    assert (text.TERM_LENGTH, text.SLUG_LENGTH) == (60, 80)
