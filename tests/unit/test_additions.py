"""What an account adds to its posts: what somebody may ask for, and what becomes of it for a post."""

from __future__ import annotations

import pytest

from postbell.domain.additions import Additions, read_additions
from postbell.errors import Invalid


def test_parameters_are_named_with_or_without_their_prefix_and_stand_in_one_order() -> None:
    read = read_additions(
        " Ann ", {"medium": "social", "UTM_source": "{network}"}, ["Example.COM", "example.com"]
    )
    assert read.signature == "Ann"
    assert list(read.utm.items()) == [("utm_source", "{network}"), ("utm_medium", "social")]
    assert read.sites == ("example.com",)


def test_an_empty_pattern_takes_a_parameter_away_and_nothing_is_no_addition() -> None:
    assert not read_additions(" ", {"source": " "}, ["example.com"])
    assert read_additions("Ann", {}, [])


def test_everything_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        read_additions("", {"sorce": "x", "zzz": "x", "term": "{who}"}, ["https://example.com", ""])
    assert [f"{problem.where}: {problem.message}" for problem in caught.value.problems] == [
        "--utm: there is no parameter 'sorce'. Did you mean source?",
        "--utm: there is no parameter 'zzz'. There are: source, medium, campaign, term, content.",
        "--utm: nothing is known for {who} in term. There are: {network}, {account}, {post}, {label}.",
        "--utm-site: 'https://example.com' is no name of a host; write it like example.com.",
        "--utm-site: '' is no name of a host; write it like example.com.",
    ]


def test_patterns_are_filled_for_a_post_and_what_stays_empty_is_left_out() -> None:
    utm = {"utm_source": "{network}-{account}", "utm_campaign": "{label}", "utm_content": "{post}"}
    filled = Additions(signature="{post}", utm=utm).filled(
        network="x", account="ann", post="k7f2m9qx", label=""
    )
    assert filled.signature == "{post}"
    assert dict(filled.utm) == {"utm_source": "x-ann", "utm_content": "k7f2m9qx"}
