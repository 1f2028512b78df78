"""What other services let programs say of posts, and which test shows that Postbell can do it over HTTP.

The services are Publer (its pages on drafts, P, and on posts, Q), Post for Me (M), SocialAPI (S) and Dravo
(D); the items are those of their descriptions, in order. Each is shown by tests at the HTTP API, or stands
here with the reason why there is none. Where only a part of it is there, the item says which is not.
"""

from __future__ import annotations

from dataclasses import dataclass


#: How many items there are of each.
ITEMS = {"P": 17, "Q": 28, "M": 14, "S": 18, "D": 51}


@dataclass(frozen=True, kw_only=True)
class Item:
    """One thing that such a service can do."""

    says: str
    #: The tests that show it, as file::name without `test_api_` and `test_`.
    shown: tuple[str, ...] = ()
    #: Why there is none.
    lacks: str = ""
    #: What of it is not there, or another way here, though the rest is shown.
    but: str = ""


def _shown(says: str, *tests: str, but: str = "") -> Item:
    return Item(says=says, shown=tests, but=but)


def _lacks(says: str, why: str) -> Item:
    return Item(says=says, lacks=why)


_NOT_POSTING = "a form of that service, no feature: its own names belong to a dialect, which is not built yet"
_NO_NETWORK = "there is no such network yet"
_SAID = "posts::everything_that_can_be_said_of_a_post_arrives"
_DRAFT = "posts::a_post_without_a_time_is_a_draft_and_is_read_as_it_was_told"
_DATED = "posts::a_draft_may_have_a_date_and_never_fires"
_TIMED = "posts::a_time_schedules_it_on_the_clocks_that_are_named"
_WRONG = "posts::what_is_wrong_is_told_with_its_place_and_nothing_is_stored"
_FETCHED = "jobs::files_are_fetched_and_stored_like_uploads"
_MANY = "posts::many_are_stored_together_or_none"
_WAITED = "post_actions::a_reader_waits_until_a_post_has_ended"
_DAEMON = "daemon::a_program_writes_a_post_and_sees_it_published"
_CHANGED = "post_actions::a_change_leaves_alone_what_it_does_not_name_and_null_takes_away"
_UNDONE = "post_actions::a_post_is_cancelled_or_deleted_while_that_is_possible"
_SERIES = "series::a_series_is_read_as_it_was_told_and_its_posts_are_ordinary_ones"
_PIECE = "series::a_piece_is_used_again_after_a_gap_or_fills_a_library"
_COMES = "series_ends::a_series_comes_when_its_rule_says_and_then_never_again"
_OVER = "series_ends::a_series_that_is_over_publishes_nothing_more"
_WINS = "content::what_an_account_says_wins_over_its_network_and_that_over_the_post"
_KINDS = "content::drafts_and_posts_show_files_of_every_kind"
_REMINDER = "endings::a_dated_draft_is_only_a_reminder_whatever_the_time"
_ON_TIME = "endings::a_scheduled_post_waits_for_its_time_and_no_longer"
_UNTIL_ALL = "endings::it_is_processing_until_it_has_ended_on_all_accounts"
_PARTIAL = "endings::what_one_account_refuses_is_partial_and_told_of_that_account"
_FAILED = "endings::what_all_accounts_refuse_has_failed"
_BEING_SENT = "endings::what_is_being_published_is_neither_changed_nor_taken_back"
_AGENDA = "plan::a_span_of_time_shows_dated_drafts_which_undated_ones_are_not_in"
_KEYS = "wall::nothing_is_answered_without_a_valid_key_on_any_route"
_FILES = "post_actions::stored_files_are_used_by_their_hashes"
_OPTIONS = "checklist::options_of_a_network_are_checked_before_anything_is_stored"
_COMMENT = "checklist::a_first_comment_goes_with_a_post"
_COMMENT_FILES = "checklist::a_first_comment_shows_files_of_its_own"

CHECKLIST: dict[str, Item] = {
    "P1": _shown("a draft belongs to accounts", _DRAFT),
    "P2": _shown("a dated draft stands in the calendar", _DATED, _AGENDA),
    "P3": _shown("an undated draft stands in the list alone", _DRAFT, _AGENDA),
    "P4": _shown("a dated draft is never published by its date", _DATED, _REMINDER),
    "P5": _shown("drafts and posts are made in the same place", _DRAFT, _TIMED),
    "P6": _shown("drafts say all that posts say", _SAID, _KINDS),
    "P7": _lacks("its headers", _NOT_POSTING),
    "P8": _shown("a state draft", _DATED),
    "P9": _shown("many drafts at once", _MANY),
    "P10": _shown("what single networks say", _WINS),
    "P11": _shown("accounts of a draft", _DRAFT),
    "P12": _shown("accounts by their names", _DRAFT),
    "P13": _shown(
        "a time for each account",
        "own_times::each_account_may_have_a_time_of_its_own",
        "own_times::a_draft_has_dates_for_each_account_and_is_found_there",
    ),
    "P14": _shown("a key for each network", _WINS),
    "P15": _shown("a text for each network", _WINS),
    "P16": _shown("ideas without accounts", "checklist::an_idea_has_no_account"),
    "P17": _shown("drafts are cheap and saved often", _CHANGED),
    "Q1": _shown("asked for, and then looked at until it has ended", _WAITED, _DAEMON),
    "Q2": _shown("many posts in one request", _MANY),
    "Q3": _lacks("its container", _NOT_POSTING),
    "Q4": _shown("posts to come and drafts", _TIMED, _DRAFT),
    "Q5": _shown("publish now", "posts::publish_now_is_due_at_once", _DAEMON),
    "Q6": _shown("how a request has ended", _WAITED, _PARTIAL, _FAILED),
    "Q7": _shown("scopes", "wall::a_key_opens_what_its_scopes_say_on_every_route"),
    "Q8": _lacks("its header for workspaces", _NOT_POSTING),
    "Q9": _shown("a scheduled post has a time", _TIMED, _WRONG),
    "Q10": _shown("states of drafts", _DRAFT, _DATED),
    "Q11": _shown("the best moment of a range", "checklist::the_best_moment_of_a_range_is_chosen"),
    "Q12": _shown("recycling with a gap and an end", _COMES, _OVER),
    "Q13": _shown("recurring on days of the week", "checklist::a_series_comes_on_days_of_the_week"),
    "Q14": _shown(
        "kinds of content: text, picture, video, link, album, document",
        _SAID,
        _KINDS,
        "content::a_link_is_content_of_its_own",
    ),
    "Q15": _lacks(
        "thirteen networks",
        "of these Bluesky, Mastodon, Telegram, Threads and WordPress are there, beside folders and webhooks",
    ),
    "Q16": _shown("other texts for other networks", _WINS),
    "Q17": _shown("files are uploaded first and named in posts", _FILES),
    "Q18": _shown("files from an address", _FETCHED),
    "Q19": _shown("posts are listed", "posts::a_list_is_read_in_parts_without_gaps_or_repeats"),
    "Q20": _shown("the same shape for now, later and drafts", _TIMED, _DATED),
    "Q21": _shown(
        "the very fields of recycling",
        _COMES,
        _PIECE,
        but="gap and gap_freq are one word, as `2 weeks`; what is not solo is a piece of a library",
    ),
    "Q22": _shown(
        "the very fields of recurring",
        "checklist::a_series_comes_on_days_of_the_week",
        _COMES,
        _SERIES,
        but="repeat_rate is called interval",
    ),
    "Q23": _shown(
        "labels, taking away after a while, the very next place in the queue, a first comment",
        _SAID,
        "checklist::a_post_takes_the_very_next_place_in_the_queue",
        _COMMENT,
        but="no share{} by further accounts after a while, no delete{hide}, and one comment, no list of them",
    ),
    "Q24": _shown("how it ended for each account", _PARTIAL, _FAILED),
    "Q25": _shown(
        "lists are narrowed by state",
        "posts::a_list_can_be_narrowed",
        "series::a_series_ends_and_its_posts_to_come_are_cancelled",
        but="series are a list of their own, where `ended` also shows those that have ended; what they make "
        "are posts, which state and outcome narrow",
    ),
    "Q26": _shown("a least gap between posts", "endings::an_account_keeps_its_least_gap_between_two_posts"),
    "Q27": _shown("a bound for each caller", "wall::who_asks_too_often_waits_and_others_do_not"),
    "Q28": _shown("polls", "checklist::a_poll_is_an_option_of_its_network"),
    "M1": _shown("a draft is never processed", _REMINDER),
    "M2": _shown("a time queues it", _TIMED),
    "M3": _lacks(
        "without a time it is published at once", "left out on purpose: nothing is published by omission"
    ),
    "M4": _shown("states in order", _UNTIL_ALL, _DAEMON),
    "M5": _shown("drafts are safe", _DRAFT),
    "M6": _shown("scheduled waits for its time", _ON_TIME),
    "M7": _shown("processing is under way", _UNTIL_ALL),
    "M8": _shown("processed has ended on all accounts", _UNTIL_ALL, _PARTIAL),
    "M9": _shown("text, files and time are changed", _CHANGED, _FILES),
    "M10": _shown("posts are cancelled and deleted", _UNDONE),
    "M11": _shown("only drafts and scheduled ones are changed", _CHANGED, _BEING_SENT),
    "M12": _shown("what is under way or over is not changed or deleted", _BEING_SENT, _UNDONE),
    "M13": _shown(
        "results by account, filters, one of them by the caller's own id",
        _PARTIAL,
        "posts::a_list_can_be_narrowed",
        "posts::posts_are_found_by_the_id_that_their_caller_gives_them",
        "posts::the_id_of_a_caller_is_changed_taken_away_and_kept",
        but="lists are narrowed by account, and not by network",
    ),
    "M14": _shown("the rule holds while it is processing too", _BEING_SENT),
    "S1": _shown("a key as bearer", _KEYS),
    "S2": _shown(
        "publish now, and wait for all accounts",
        _WAITED,
        _DAEMON,
        _WRONG,
        but="on purpose publish_now does not win over a time: both together are refused with 422",
    ),
    "S3": _shown("a time queues it", _TIMED, _ON_TIME),
    "S4": _shown("neither is a draft", _DRAFT),
    "S5": _shown("a draft is published later", "post_actions::a_draft_is_published_now"),
    "S6": _shown("a text", _SAID),
    "S7": _shown("a title", _SAID),
    "S8": _shown("uploaded files", _FILES),
    "S9": _shown("a first comment, with files", _COMMENT, _COMMENT_FILES),
    "S10": _shown("options by network, the account's win", _WINS, _OPTIONS),
    "S11": _shown("accounts with words of their own", _SAID),
    "S12": _shown("threads", _SAID, "posts::a_text_that_is_too_long_for_an_account_may_become_a_thread"),
    "S13": _shown("no duplicates, unless wanted", "checklist::the_same_again_is_refused_unless_it_is_wanted"),
    "S14": _shown(
        "publishing without a check of limits",
        "checklist::an_unchecked_post_is_stored_and_its_network_decides",
        "checklist::an_unchecked_post_is_validated_and_previewed_like_it_is_stored",
    ),
    "S15": _shown("visibility", _OPTIONS),
    "S16": _shown("states and outcomes", _UNTIL_ALL, _PARTIAL, _FAILED, _UNDONE),
    "S17": _shown("what is answered of a post", _DRAFT),
    "S18": _lacks("credits", "a price of that service; accounts have quotas instead"),
    "D1": _shown("taken at once, delivered later", _TIMED, _DAEMON),
    "D2": _shown("1 to 100 accounts", "checklist::a_post_is_for_up_to_a_hundred_accounts"),
    "D3": _shown(
        "a text with a bound",
        "content::a_text_that_is_too_long_is_refused_with_its_bound",
        but="the bound is that of each network, and 200,000 characters for all",
    ),
    "D4": _shown("files from addresses", _FETCHED),
    "D5": _shown("a time with its zone, and not past", _WRONG),
    "D6": _shown("a time without its zone is refused", _WRONG),
    "D7": _shown("unknown options are refused", _OPTIONS),
    "D8": _shown("every problem is told; no key, no answer", "posts::all_problems_are_told_at_once", _KEYS),
    "D9": _shown(
        "a first comment that fails is a warning",
        "endings::a_first_comment_that_fails_is_a_warning_and_the_post_stays_published",
    ),
    **{f"D{n}": _lacks("an option of Facebook", _NO_NETWORK) for n in (10, 11)},
    **{f"D{n}": _lacks("an option of Instagram", _NO_NETWORK) for n in (*range(12, 18), *range(19, 22))},
    "D18": _shown("alt texts", _FILES),
    **{f"D{n}": _lacks("an option of TikTok", _NO_NETWORK) for n in range(22, 34)},
    **{f"D{n}": _lacks("an option of LinkedIn", _NO_NETWORK) for n in (34, 35, 37, 38, 39, 40, 41, 42)},
    "D36": _shown("alt texts in the order of the files", _FILES),
    **{f"D{n}": _lacks("an option of X", _NO_NETWORK) for n in range(43, 52)},
}
