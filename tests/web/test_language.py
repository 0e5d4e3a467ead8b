"""The pages in the reader's language: which one it is, and that no word of another is left on them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from served import INCIDENT, Site, serving, tags_of, words_of

from monitor.report.words import Language, Said, labels, pages
from monitor.web.dashboard import Source, application
from monitor.web.dashboard.preferences import asked_language

PATHS = (
    "/",
    "/incidents",
    f"/incidents/{INCIDENT}",
    "/targets/qr-checkin?at=2022-02-03T01:10Z",
    "/targets/control?span=30d",
    "/targets/qr-checkin?at=2022-02-01T01:10Z",
)


def _english() -> Iterator[str]:
    """Every piece of English words that our pages may say."""
    for value in (*vars(pages).values(), *vars(labels).values()):
        forms = value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else (value,)
        for said in forms:
            if isinstance(said, Said):
                yield from (piece.strip(" ,;:.") for piece in re.split(r"\{[^}]*\}", said.en))


ENGLISH = frozenset(piece for piece in _english() if " " in piece)


@pytest.mark.parametrize("path", PATHS)
def test_a_korean_page_has_no_english_of_ours(site: Site, path: str) -> None:
    """Neither in what is read nor in what a screen reader says; names, rules and formats are nobody's language."""
    answer = site.get(path, accept_language="ko-KR,ko;q=0.9,en-US;q=0.8")
    spoken = [value or "" for _, found in tags_of(answer.text) for key, value in found.items()
              if key in ("aria-label", "title", "alt") or key.startswith("data-")]  # fmt: skip
    said = " ".join([words_of(answer.text), *spoken])

    assert len(ENGLISH) > 100
    assert answer.status_code == 200
    assert '<html lang="ko"' in answer.text
    assert [piece for piece in ENGLISH if re.search(rf"\b{re.escape(piece)}\b", said)] == []


def test_korean_pages_tell_the_same_verdict(site: Site) -> None:
    """The figures stay, the words are those of the mail."""
    said = site.get("/", accept_language="ko")
    incident = site.get(f"/incidents/{INCIDENT}", accept_language="ko").text

    assert "qr-checkin 하이재킹 99%" in words_of(said.text)
    assert "AS9457 네트워크가 121.53.104.0/24 경로를 광고" in words_of(said.text)
    assert "관측 지점 7곳 중 6곳" in words_of(said.text)
    assert "사건 시작: 하이재킹 의심" in incident
    assert "판정을 뒷받침하는 증거" in site.get(f"/incidents/{INCIDENT}/report.txt", accept_language="ko").text


def test_a_choice_wins_over_the_browser_and_this_over_the_mails(site: Site, source: Source) -> None:
    """A Korean company's Korean pages by default; who wants English gets it, and keeps it."""
    config = source.config
    assert config is not None
    korean = replace(source, config=replace(config, alert=replace(config.alert, language=Language.KO)))
    with serving(application(korean, logins=None, hosts={"localhost"})) as url:
        there = Site(url, korean)
        assert 'lang="ko"' in there.get("/incidents", accept_language="de").text
        assert '<html lang="en"' in there.get("/incidents", accept_language="en-GB, ko;q=0.5").text
        chosen = there.get("/preferences?language=en&back=/incidents", accept_language="ko")
        assert "language=en" in chosen.headers.get_list("set-cookie")[-1]
        assert '<html lang="en"' in there.get("/incidents", accept_language="ko", cookie="language=en").text


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("ko", Language.KO),
        ("ko-KR,ko;q=0.9,en;q=0.8", Language.KO),
        ("de, ko;q=0.3, en;q=0.2", Language.KO),
        ("en;q=0.8, KO;q=0.9", Language.KO),
        ("en,ko", Language.EN),
        ("ko;q=0", Language.EN),
        ("ko;q=9", Language.EN),
        ("kok", Language.EN),
        ("de, *", Language.EN),
        ("", Language.EN),
    ],
)
def test_the_browsers_wish_is_read_as_the_standard_has_it(accept: str, language: Language) -> None:
    """Weights decide, the first of equal ones; what is none of ours, or not wanted at all, is not taken."""
    assert asked_language(accept, Language.EN) is language


@settings(max_examples=60, derandomize=True)
@given(st.text(max_size=300), st.sampled_from(Language))
def test_any_header_gives_a_language(accept: str, default: Language) -> None:
    """It comes from anybody."""
    assert asked_language(accept, default) in Language
