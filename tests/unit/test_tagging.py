"""Signatures, and the parameters of links, in a content."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postbell.domain.additions import Additions
from postbell.domain.content import Comment, Content, Override
from postbell.domain.tagging import complete, completed, tag, tag_link, tail
from postbell.domain.text import SpanKind, find_spans


ADDED = Additions(signature="Ann", utm={"utm_source": "sky"})
SIGNED = Additions(signature="Ann")
SITE = Additions(utm={"utm_source": "sky"}, sites=("example.com",))


@pytest.mark.parametrize(
    ("link", "tagged"),
    [
        ("https://a.example", "https://a.example?utm_source=sky"),
        ("https://a.example/b?", "https://a.example/b?utm_source=sky"),
        ("https://a.example/b?c=1&", "https://a.example/b?c=1&utm_source=sky"),
        ("https://a.example/b?z=%C3%A9&a=1+2&z", "https://a.example/b?z=%C3%A9&a=1+2&z&utm_source=sky"),
        ("https://a.example/#/b?c", "https://a.example/?utm_source=sky#/b?c"),
        ("https://a.example/b?c=1#d#e", "https://a.example/b?c=1&utm_source=sky#d#e"),
        ("https://a.example/?b=1&amp;c=2", "https://a.example/?b=1&amp;c=2&amp;utm_source=sky"),
        ("https://münchen.example/ä", "https://münchen.example/ä?utm_source=sky"),
    ],
)
def test_parameters_stand_behind_the_query_and_before_the_fragment(link: str, tagged: str) -> None:
    assert tag_link(link, ADDED) == tagged


@pytest.mark.parametrize(
    "link",
    [
        "https://a.example/?utm_medium=mail",
        "https://a.example/?b=1&UTM_Source=me#c",
        "https://a.example/?b=1;utm_id=2",
        r"https://a\.example/b",
    ],
)
def test_a_link_that_has_such_parameters_or_is_written_in_a_markup_stays_as_it_is(link: str) -> None:
    assert tag_link(link, ADDED) == link


def test_what_only_looks_like_such_a_parameter_is_none() -> None:
    assert tag_link("https://a.example/utm_source?b=utm_c#utm_d", ADDED) == (
        "https://a.example/utm_source?b=utm_c&utm_source=sky#utm_d"
    )


@pytest.mark.parametrize("link", ["https://example.com", "https://WWW.Example.com:8080/a"])
def test_where_sites_are_named_links_to_them_and_below_them_are_tagged(link: str) -> None:
    assert tag_link(link, SITE) == f"{link}?utm_source=sky"


@pytest.mark.parametrize(
    "link",
    [
        "https://notexample.com",
        "https://example.com.evil.test",
        "https://user@example.org/example.com",
        "https://[a",
    ],
)
def test_where_sites_are_named_no_other_link_is_tagged(link: str) -> None:
    assert tag_link(link, SITE) == link


def test_what_is_added_is_encoded_and_never_ends_with_what_ends_a_link() -> None:
    added = Additions(utm={"utm_source": "é & co", "utm_term": "v1."})
    assert tag_link("https://a.example/", added) == (
        "https://a.example/?utm_source=%C3%A9%20%26%20co&utm_term=v1%2E"
    )
    assert tag_link("https://a.example/", Additions(utm={"utm_term": "a~"})).endswith("=a%7E")


def test_everything_but_the_links_of_a_text_stays_as_it_is() -> None:
    text = "See https://a.example/b, (https://c.example/d). @ann.example #e http://f.example!"
    assert tag(text, ADDED) == (
        "See https://a.example/b?utm_source=sky, (https://c.example/d?utm_source=sky). "
        "@ann.example #e http://f.example?utm_source=sky!"
    )
    assert tag(text, SIGNED) == text


@given(st.text(alphabet="ab.:/?#&=%()é \n🎉", max_size=30), st.sampled_from(["", "k=1", "k=1&l=%20"]))
def test_a_tagged_link_leads_where_it_led_and_is_still_one_link(around: str, query: str) -> None:
    link = f"https://a.example/b?{query}" if query else "https://a.example/b"
    text = f"{around} {link}"
    tagged = tag(text, ADDED)
    before = [span.value for span in find_spans(text) if span.kind is SpanKind.LINK]
    after = [span.value for span in find_spans(tagged) if span.kind is SpanKind.LINK]
    assert after == [tag_link(value, ADDED) for value in before]
    assert parse_qsl(urlsplit(after[-1]).query) == [*parse_qsl(query), ("utm_source", "sky")]
    assert tag(tagged, ADDED) == tagged


def test_a_post_is_signed_in_a_paragraph_of_its_own_and_a_thread_in_its_last_part() -> None:
    assert complete(Content(text="Hello\n"), SIGNED).text == "Hello\n\n\nAnn"
    thread = complete(Content(text="One", segments=("Two", "Three")), SIGNED)
    assert (thread.text, thread.segments) == ("One", ("Two", "Three\n\nAnn"))


@pytest.mark.parametrize("text", ["", " \n", "Hello\n\nAnn", "Hello, I am Ann\n"])
def test_what_says_nothing_or_is_signed_already_is_not_signed(text: str) -> None:
    assert tail(text, SIGNED) == ""
    assert complete(Content(text=text), SIGNED).text == text


def test_links_are_tagged_in_all_that_is_said_the_signature_too() -> None:
    content = Content(
        text="https://a.example",
        segments=("https://b.example",),
        link="https://c.example",
        comment=Comment(text="https://d.example"),
        title="https://e.example",
    )
    said = complete(content, Additions(signature="https://f.example", utm={"utm_source": "sky"}))
    assert said.text == "https://a.example?utm_source=sky"
    assert said.segments == ("https://b.example?utm_source=sky\n\nhttps://f.example?utm_source=sky",)
    assert said.link == "https://c.example?utm_source=sky"
    assert said.comment == Comment(text="https://d.example?utm_source=sky")
    assert said.title == "https://e.example"


def test_an_account_adds_its_own_also_where_it_is_called_like_its_network() -> None:
    said = {"bluesky": Override(added=SIGNED)}
    assert completed(Content(text="Hello"), said, account="bluesky").text == "Hello\n\nAnn"
    assert completed(Content(text="Hello"), said, account="sky").text == "Hello"
