from __future__ import annotations

import math
import re
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from postbell.domain.variants import DEEPEST, _walk, check_template, count, escape, has_choice, pick, picked
from postbell.errors import Invalid, Problem


#: Every option of a choice begins with another letter, so all the readings are different.
WORDS = st.text(alphabet="xyz \\{}|\n", max_size=4).map(escape)


def choices(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(st.lists(inner, max_size=2), min_size=2, max_size=3).map(
        lambda options: (
            "{"
            + "|".join(f"{letter}{''.join(parts)}" for letter, parts in zip("abc", options, strict=False))
            + "}"
        )
    )


TEMPLATES = st.lists(st.recursive(WORDS, choices, max_leaves=6), max_size=3).map("".join)
#: A list whose texts begin differently.
LISTS = st.lists(TEMPLATES, min_size=1, max_size=3).map(
    lambda texts: [f"{number}{text}" for number, text in enumerate(texts)]
)


def readings(texts: Sequence[str], seed: str = "seed") -> list[str]:
    return [pick(texts, turn, seed) for turn in range(count(texts))]


def messages(text: str) -> list[str]:
    return [problem.message for problem in check_template(text, where="text")]


def expanded(template: str) -> list[str]:
    """Return all readings by another way: always the innermost pair of braces first."""
    if not (found := re.search(r"\{([^{}]*)\}", template)):
        return [template]
    options = found[1].split("|")
    if len(options) == 1:
        options = [f"<{found[1]}>"]
    before, after = template[: found.start()], template[found.end() :]
    return [text for option in options for text in expanded(f"{before}{option}{after}")]


@pytest.mark.parametrize(
    ("template", "texts"),
    [
        ("", [""]),
        ("plain", ["plain"]),
        ("{a|b}", ["a", "b"]),
        ("{a|}!", ["!", "a!"]),
        ("{one|two|{three|four}}", ["four", "one", "three", "two"]),
        ("{a|b} {c|d}", ["a c", "a d", "b c", "b d"]),
        ("{a {b|c}|{d|e} f}", ["a b", "a c", "d f", "e f"]),
        ("a|b", ["a|b"]),
        (r"\{a\|b\} \\", ["{a|b} \\"]),
        (r"{a\|b|c}", ["a|b", "c"]),
        ("C:\\new \\", ["C:\\new \\"]),
    ],
)
def test_a_template_has_just_these_readings(template: str, texts: list[str]) -> None:
    assert sorted(readings([template])) == texts


@pytest.mark.parametrize("text", ["{x}", "{}", '{"a": {"b": [1]}}', "if (a) { return {}; }", "{{name}}"])
def test_braces_without_a_choice_are_kept(text: str) -> None:
    assert readings([text]) == [text]


def test_a_choice_inside_of_plain_braces_is_one() -> None:
    assert sorted(readings(["{x {a|b}}"])) == ["{x a}", "{x b}"]


def test_plain_braces_inside_of_a_choice_are_kept() -> None:
    assert sorted(readings(["{a|{b}}"])) == ["a", "{b}"]


def test_of_each_reading_it_is_known_which_template_it_is_of() -> None:
    texts = ["a{1|2}", "b", "c{1|2|3}"]
    for turn in range(2 * count(texts)):
        assert pick(texts, turn, "seed")[0] == "abc"[picked(texts, turn, "seed")]


def test_equal_options_count_each() -> None:
    assert count(["{a|a}"]) == 2
    assert readings(["{a|a}"]) == ["a", "a"]


def test_the_readings_of_a_list_are_added_and_those_of_choices_multiplied() -> None:
    assert count(["a", "{b|c}", "{d|e|f}{g|h}"]) == 1 + 2 + 6
    assert count([]) == 0


@given(st.lists(st.sampled_from(["{", "{", "|", "|", "}", "}", "a", "b"]), max_size=14).map("".join))
def test_the_readings_are_those_of_the_simplest_way_to_find_them(template: str) -> None:
    if check_template(template, where="text"):
        return
    # In that way a choice inside another is counted more often than it stands there.
    assert {text.replace("{", "<").replace("}", ">") for text in readings([template])} == set(
        expanded(template)
    )


@given(LISTS, st.text(max_size=5), st.integers(0, 1000))
def test_none_repeats_until_all_were_used(texts: list[str], seed: str, begin: int) -> None:
    total = min(count(texts), 300)
    picked = [pick(texts, begin + turn, seed) for turn in range(total)]
    assert len(set(picked)) == total


@given(LISTS, st.integers(0, 100))
def test_after_all_were_used_the_same_order_begins_again(texts: list[str], turn: int) -> None:
    assert pick(texts, turn, "seed") == pick(texts, turn + count(texts), "seed")


@given(st.text())
@example("\\{|}\\\\")
@example("\\")
def test_an_escaped_text_is_read_as_it_was(text: str) -> None:
    assert check_template(escape(text), where="text") == []
    assert readings([escape(text)]) == [text]


@given(st.text(alphabet="{|}\\ab\n"))
def test_a_text_has_either_a_problem_or_a_reading(text: str) -> None:
    if check_template(text, where="text"):
        with pytest.raises(Invalid):
            count([text])
    else:
        assert count([text]) >= 1


def test_the_order_depends_on_the_seed_alone() -> None:
    assert [pick(["{a|b|c|d|e|f|g}"], turn, "k7") for turn in range(7)] == list("cgdaebf")
    orders = {"".join(readings(["{a|b|c|d|e|f|g}"], str(seed))) for seed in range(50)}
    assert len(orders) > 10


@pytest.mark.parametrize("total", range(4, 200))
def test_neighbours_do_not_follow_one_another(total: int) -> None:
    template = "{" + "|".join(map(str, range(total))) + "}"
    first, second = (int(pick([template], turn, f"seed {total}")) for turn in (0, 1))
    assert (second - first) % total > 1


def test_more_readings_than_can_be_counted_through_are_no_trouble() -> None:
    template = "{a|b|c|d|e|f|g|h|i|j}" * 30
    assert count([template, "x"]) == 10**30 + 1
    picked = [pick([template], turn, "seed") for turn in range(200)]
    assert len(set(picked)) == 200
    assert all(len(text) == 30 for text in picked)
    assert pick([template], 10**30, "seed") == picked[0]


def test_where_all_choices_are_many_each_letter_comes_about_as_often() -> None:
    template = "{a|b|c|d|e|f|g|h|i|j}" * 30
    firsts = [pick([template], turn, "seed")[0] for turn in range(1000)]
    assert all(80 <= firsts.count(letter) <= 120 for letter in "abcdefghij")


def test_a_long_text_with_thousands_of_choices_is_read() -> None:
    assert count(["{a|b}" * 5000]) == 2**5000
    assert len(pick(["{a|b}" * 5000], 3, "seed")) == 5000


def test_an_opening_brace_without_its_end_is_a_problem_with_its_place() -> None:
    assert check_template("Hello\n  {a|b", where="[bluesky] text") == [
        Problem(
            where="[bluesky] text",
            message="the { at line 2, column 3 is never closed; close it, or write \\{ for a plain brace.",
        )
    ]


def test_a_closing_brace_without_its_beginning_is_a_problem_with_its_place() -> None:
    assert messages("a }") == [
        "the } at line 1, column 3 closes nothing; write \\} for a plain brace.",
    ]


def test_all_problems_are_told_at_once() -> None:
    assert [message.split(" is ")[0].split(" closes ")[0] for message in messages("} {\n\na\nb} } {{")] == [
        "the } at line 1, column 1",
        "the } at line 4, column 4",
        "the { at line 4, column 6",
        "the { at line 4, column 7",
    ]


def test_braces_are_taken_as_deep_as_the_limit_and_no_deeper() -> None:
    assert count(["{a|" * DEEPEST + "b" + "}" * DEEPEST]) == DEEPEST + 1
    deeper = "{a|" * (DEEPEST + 1) + "b" + "}" * (DEEPEST + 1)
    assert messages(deeper) == [
        "the { at line 1, column 151 stands in 50 pairs of braces; that is too deep.",
    ]


@pytest.mark.parametrize("text", ["{a|" * 20_000 + "}" * 20_000, "{" * 20_000, "}" * 20_000])
def test_thousands_of_nested_braces_are_refused_without_trouble(text: str) -> None:
    assert messages(text)


def test_no_reading_is_taken_from_a_broken_template() -> None:
    with pytest.raises(Invalid, match="never closed"):
        pick(["fine", "{a|b"], 0, "seed")


@given(st.integers(1, 10**40), st.text())
def test_every_step_meets_every_place(total: int, seed: str) -> None:
    start, step = _walk(total, seed)
    assert 0 <= start < total
    assert math.gcd(step, total) == 1
    assert total <= 3 or 1 < step < total


@pytest.mark.parametrize("text", ["Hi {a|b}", "{a|}", "{ {a|b} }"])
def test_where_there_is_a_choice_that_is_known(text: str) -> None:
    assert has_choice(text)


@pytest.mark.parametrize("text", ["", "plain", "{code}", "a | b {c}", r"\{a|b\}", "{a|b", "a|b} {c|d}"])
def test_where_there_is_none_or_no_template_that_is_known(text: str) -> None:
    assert not has_choice(text)
