"""Lengths and addresses on X, checked with the conformance files of twitter-text."""

from __future__ import annotations

import json
import unicodedata

import pytest
import regex

from postbell.domain.lengths import x_length
from postbell.domain.top_level import TOP_LEVEL_DOMAINS
from postbell.domain.web_links import X, find_links
from support.specs import spec
from support.twitter_text import conformance


def found(text: str) -> list[str]:
    return [text[link.start : link.end] for link in find_links(text, X)]


@pytest.mark.parametrize(
    ("group", "cases"),
    [("WeightedTweetsWithDiscountedEmojiCounterTest", 22), ("UnicodeDirectionalMarkerCounterTest", 2)],
)
def test_every_text_is_as_long_as_x_counts_it(group: str, cases: int) -> None:
    told = conformance("validate.yml")["tests"][group]
    assert len(told) == cases
    for case in told:
        length, expected = x_length(case["text"]), case["expected"]
        assert length == expected["weightedLength"], case["description"]
        assert length * 1000 // 280 == expected["permillage"], case["description"]
        assert length <= 280 or not expected["valid"], case["description"]


def test_characters_weigh_what_the_current_configuration_says() -> None:
    file = spec("x/twitter-text/config-v3.json", "the configuration of twitter-text is")
    said = json.loads(file.read_text())
    assert (said["maxWeightedTweetLength"], said["scale"], said["transformedURLLength"]) == (280, 100, 23)
    assert said["emojiParsingEnabled"]
    weights = [said["defaultWeight"]] * 0x110000
    for span in said["ranges"]:
        weights[span["start"] : span["end"] + 1] = [span["weight"]] * (span["end"] + 1 - span["start"])
    # Composed as it is counted, and no emoji: those weigh as a whole.
    shown = regex.compile(r"[\p{Emoji}\p{Cs}--[0-9#*©®]]", regex.V1)
    codes = [*range(0x3000), *range(0x3000, 0x110000, 17)]
    characters = [chr(code) for code in codes if not shown.match(chr(code))]
    alone = [each for each in characters if unicodedata.normalize("NFC", each) == each]
    assert [each for each in alone if x_length(each) * 100 != weights[ord(each)]] == []


def test_what_is_no_joined_emoji_is_as_long_as_it_was_before_those_were_discounted() -> None:
    for case in conformance("validate.yml")["tests"]["WeightedTweetsCounterTest"]:
        if not {*case["text"]} & {"\u200d", "🏽"} or "General Punctuation" in case["description"]:
            assert x_length(case["text"]) == case["expected"]["weightedLength"], case["description"]


@pytest.mark.parametrize(("group", "cases"), [("urls", 91), ("tco_urls_with_params", 5)])
def test_every_address_is_found(group: str, cases: int) -> None:
    told = conformance("extract.yml")["tests"][group]
    assert len(told) == cases
    for case in told:
        assert found(case["text"]) == case["expected"], case["description"]


@pytest.mark.parametrize(
    ("group", "cases"), [("urls_with_indices", 10), ("urls_with_directional_markers", 2)]
)
def test_every_address_stands_where_it_should(group: str, cases: int) -> None:
    told = conformance("extract.yml")["tests"][group]
    assert len(told) == cases
    for case in told:
        text, expected = case["text"], [(each["url"], each["indices"]) for each in case["expected"]]
        links = [(text[link.start : link.end], [link.start, link.end]) for link in find_links(text, X)]
        assert links == expected, case["description"]


def test_the_known_ends_of_domains_are_those_of_twitter_text() -> None:
    known = conformance("tld_lib.yml")
    assert {*known["country"], *known["generic"]} == TOP_LEVEL_DOMAINS


def test_a_domain_can_end_with_each_of_them() -> None:
    cases = [case for group in conformance("tlds.yml")["tests"].values() for case in group]
    assert len(cases) > 1_500
    for case in cases:
        assert found(case["text"]) == case["expected"], case["description"]
