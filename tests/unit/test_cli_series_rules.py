"""Rules of series from the command line: what options and files say, and everything that is wrong at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.command import Command, Ran, german, with_accounts


FAR = ("--start", "2099-01-01")


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    german(monkeypatch)
    monkeypatch.chdir(tmp_path)
    return with_accounts(tmp_path)


def says(cli: Command, *words: str) -> str:
    """Return the rule of a series, in words."""
    return str(cli.done("series", *words, "--dry-run", "--json").json["rule"]["says"])


def refused(cli: Command, *words: str) -> list[str]:
    """Return what a command is refused for; nothing is stored."""
    before = cli.stored()
    ran: Ran = cli("series", *words)
    assert ran.code == 4, ran.err
    assert cli.stored() == before
    return [line.removeprefix("postbell: ") for line in ran.err.splitlines()]


def write(cli: Command, *words: str) -> str:
    return str(cli.done("series", *words, "--json").json["id"])


def file(text: str) -> str:
    Path("post.md").write_text(text)
    return "post.md"


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ("--repeat weekly --every 2 --on mon,thu", "every 2 weeks on Mon and Thu"),
        ("--repeat weekly --on mon --on thu", "every week on Mon and Thu"),
        ("--repeat weekly --on weekend", "every week on Sat and Sun"),
        ("--repeat monthly --on 1,15,last", "every month on the 1st, the 15th and the last day"),
        ("--repeat monthly --on -1,2nd", "every month on the 2nd and the last day"),
        ("--repeat monthly --on 31 --short-month skip", "every month on the 31st, not in shorter months"),
        ("--repeat yearly --month 6,dec --on 24", "every year in Jun and Dec on the 24th"),
    ],
)
def test_the_days_of_a_rule_are_said_by_options(cli: Command, options: str, rule: str) -> None:
    words = (*options.split(), "--time", "9am", "--time", "17:30", *FAR)
    expected = f"{rule} at 09:00, 17:30 Europe/Berlin, from 2099-01-01"
    assert says(cli, "add", "Hello", "--to", "site", *words) == expected


def test_weekdays_of_a_month_are_said_by_options(cli: Command) -> None:
    words = ("--repeat", "monthly", "--on", "2nd tue, last fri", "--time", "09:00", *FAR)
    expected = "every month on the 2nd Tue and the last Fri at 09:00 Europe/Berlin, from 2099-01-01"
    assert says(cli, "add", "Hello", "--to", "site", *words) == expected


@pytest.mark.parametrize(
    "table",
    [
        (
            '[recurring]\nrepeat = "weekly"\nrepeat_rate = 2\ndays_of_week = [0, 3]\n'
            'time = "09:00"\nstart_date = 2099-01-01'
        ),
        (
            '[repeat]\nfrequency = "weekly"\nrepeat_every = 2\nweekdays = ["mon", "thu"]\n'
            'times = ["09:00"]\nstart_date = "2099-01-01"'
        ),
    ],
)
def test_the_rule_may_stand_in_a_file_in_the_words_of_others(cli: Command, table: str) -> None:
    source = file(f'+++\nto = ["site"]\n\n{table}\n+++\nHello')
    expected = "every 2 weeks on Mon and Thu at 09:00 Europe/Berlin, from 2099-01-01"
    assert says(cli, "add", source) == expected
    assert says(cli, "add", source, "--count", "3") == f"{expected}, 3 times"


def test_a_recycling_may_stand_in_a_file_in_the_words_of_others(cli: Command) -> None:
    table = 'solo = true\ngap = 2\ngap_freq = "Week"\nstart_date = "2099-01-01 09:00"\nexpire_count = 3'
    source = file(f'+++\nto = ["site"]\n\n[recycle]\n{table}\n+++\nHello')
    assert says(cli, "recycle", source) == "again after 2 weeks, from 2099-01-01 09:00 Europe/Berlin, 3 times"


def test_the_zone_of_a_file_is_that_of_its_rule(cli: Command) -> None:
    table = '[repeat]\nrepeat = "daily"\ntime = "09:00"\nstart_date = 2099-01-01'
    source = file(f'+++\nto = "site"\ntz = "Asia/Tokyo"\n{table}\n+++\nHello')
    assert says(cli, "add", source) == "every day at 09:00 Asia/Tokyo, from 2099-01-01"
    assert says(cli, "add", source, "--tz", "UTC") == "every day at 09:00 UTC, from 2099-01-01"


def test_what_option_and_file_both_say_is_refused(cli: Command) -> None:
    source = file('+++\nto = "site"\n[repeat]\nrepeat = "daily"\nrepeat_rate = 2\ntime = "09:00"\n+++\nHello')
    assert refused(cli, "add", source, "--every", "3") == [
        "--every: this says the same as repeat_rate. Give one of them."
    ]


def test_what_is_wrong_in_a_file_is_named_by_its_field(cli: Command) -> None:
    source = file('+++\nto = "site"\n[repeat]\nrepeat = "daily"\nrepeat_rat = 2\ntitle = "x"\n+++\nHello')
    unknown, title, times = refused(cli, "add", source)
    assert unknown == "front matter [repeat] repeat_rat: there is no such word. Did you mean repeat_rate?"
    assert title.startswith("front matter [repeat] title: there is no such word. There are: repeat, ")
    assert times == "front matter [repeat] times: say at what time of day, for example times = 09:00."


def test_what_makes_no_sense_in_a_series_is_refused_where_it_stands_in_a_file(cli: Command) -> None:
    front = 'to = "site"\nat = "tomorrow 9am"\nallow_duplicate = true\nexternal_id = "a"'
    front += '\n[recycle]\ngap = "1 day"'
    assert refused(cli, "add", file(f"+++\n{front}\n+++\nHello"), "--repeat", "daily", "--time", "09:00") == [
        "front matter at: leave it out: a series says when in [repeat] or [recycle].",
        "front matter external_id: leave it out: an id names one post, and a series makes many.",
        "front matter allow_duplicate: leave it out: the posts of a series may say the same.",
        (
            "front matter [recycle]: this is what `postbell series recycle` reads; "
            "here the rule stands in [repeat]."
        ),
    ]


def test_everything_that_is_wrong_with_a_series_is_told_at_once(cli: Command) -> None:
    rule = ("--repeat", "weekly", "--on", "foo", "--time", "25:00", "--tz", "Mars", "--end", "2020-01-01")
    others = ("--to", "nobody", "--media", "none.png", "--late-limit", "never", "--variant", "{a|b")
    assert refused(cli, "add", "bad {brace", *rule, *FAR, *others) == [
        "--to: there is no account named nobody. Accounts: site, sky.",
        '--late-limit: "never" is not a span of time. Say it like 90 s, 30 min, 6 h, 1 d 12 h or 2 w.',
        '--tz: there is no time zone named "Mars". Give an IANA name like Europe/Berlin or UTC.',
        '--on: "foo" is no weekday. Say mon to sun, or 0 (Monday) to 6 (Sunday).',
        '--time: "25:00" is not a time of day: there is no 25:00 on a clock. Say it like 09:00 or 9am.',
        "--end: it ends before it starts, on 2099-01-01.",
        "media none.png: there is no file none.png; check the name and the folder.",
        "text: the { at line 1, column 5 is never closed; close it, or write \\{ for a plain brace.",
        "variant 1: the { at line 1, column 1 is never closed; close it, or write \\{ for a plain brace.",
    ]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--repeat", "monthly", "--on", "31", "--month", "2"], "--month: months go with a yearly rule."),
        (
            ["--repeat", "yearly", "--on", "30", "--month", "2", "--short-month", "skip", "--time", "9am"],
            "--on: it never comes: there is no such day in these months.",
        ),
        (
            ["--repeat", "yearly", "--on", "1"],
            "--month: say in which months of the year, for example --month jan,jul.",
        ),
        (["--repeat", "monthly", "--on", "1,mon"], "--on: give weekdays or days of the month, not both."),
        (["--cron", "0 9 31 2 *"], '--cron: it never comes: there is no day "31" in the month "2".'),
        (["--cron", "99 9 * * *"], '--cron: the minute "99" makes no sense.'),
        (
            ["--cron", "0 9 * * 1", "--every", "2"],
            "--every: it does not go with --cron, which says the rule.",
        ),
        (
            ["--rrule", "FREQ=SECONDLY"],
            "--rrule FREQ: say DAILY, WEEKLY, MONTHLY or YEARLY; nothing else is understood.",
        ),
        (
            ["--repeat", "daily", "--time", "09:00:30"],
            '--time: "09:00:30" has seconds. A rule comes at whole minutes, once a minute at most.',
        ),
        (
            ["--repeat", "daily", "--time", "09:00,9am"],
            "--time: 09:00 is there twice. Once is enough.",
        ),
        (
            ["--repeat", "daily", "--time", "09:00", "--start", "2099-01-02", "--end", "2099-01-01"],
            "--end: it ends before it starts, on 2099-01-02.",
        ),
        (
            ["--repeat", "daily", "--time", "09:00", "--start", "2020-01-01", "--end", "2020-02-01"],
            "--end: it never comes from now on. Give a later end, or none.",
        ),
        (
            ["--time", "09:00"],
            "--repeat: say how often: daily, weekly, monthly or yearly. Or give cron or rrule.",
        ),
    ],
)
def test_a_bad_rule_is_refused_by_the_name_of_the_option(
    cli: Command, options: list[str], problem: str
) -> None:
    assert problem in refused(cli, "add", "Hello", "--to", "site", *options)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--gap", "0 weeks"], '--gap: "0" is not a whole number from 1 to 10000.'),
        (
            ["--library", "x"],
            '--gap: say how long it rests before it is used again, for example --gap "2 weeks".',
        ),
        (["--gap", "2 weeks"], "--time: say at what time of day, for example --time 09:00."),
    ],
)
def test_a_bad_gap_is_refused_by_the_name_of_the_option(
    cli: Command, options: list[str], problem: str
) -> None:
    assert problem in refused(cli, "recycle", "Hello", "--to", "site", *options)


def changed(cli: Command, series_id: str, *words: str) -> str:
    """Change a series; return its rule in words."""
    return str(cli.done("series", "edit", series_id, *words, "--json").json["rule"]["says"])


def test_a_changed_rule_keeps_what_is_not_given(cli: Command) -> None:
    words = ("--repeat", "weekly", "--on", "mon,thu", "--time", "09:00", *FAR)
    series_id = write(cli, "add", "Hello", "--to", "site", *words)
    end = "Europe/Berlin, from 2099-01-01"
    assert changed(cli, series_id, "--every", "2") == f"every 2 weeks on Mon and Thu at 09:00 {end}"
    assert (
        changed(cli, series_id, "--on", "tue", "--count", "4")
        == f"every 2 weeks on Tue at 09:00 {end}, 4 times"
    )
    assert changed(cli, series_id, "--every", "", "--count", "") == f"every week on Tue at 09:00 {end}"
    assert changed(cli, series_id, "--repeat", "daily") == f"every day at 09:00 {end}"
    assert changed(cli, series_id, "--cron", "0 8 * * *") == f"by cron 0 8 * * * in {end}"
    assert changed(cli, series_id, "--repeat", "daily", "--time", "7am") == f"every day at 07:00 {end}"


def test_an_rrule_takes_the_place_of_the_whole_rule(cli: Command) -> None:
    words = ("--repeat", "weekly", "--on", "mon,thu", "--time", "09:00", "--count", "4", *FAR)
    series_id = write(cli, "add", "Hello", "--to", "site", *words)
    assert (
        changed(cli, series_id, "--rrule", "FREQ=DAILY")
        == "every day at 09:00 Europe/Berlin, from 2099-01-01"
    )
    timed = "FREQ=DAILY;BYHOUR=7;BYMINUTE=30"
    assert changed(cli, series_id, "--rrule", timed) == "every day at 07:30 Europe/Berlin, from 2099-01-01"
    dated = "DTSTART;TZID=Asia/Tokyo:20990201T100000\nRRULE:FREQ=DAILY"
    assert changed(cli, series_id, "--rrule", dated) == "every day at 10:00 Asia/Tokyo, from 2099-02-01"
    assert changed(cli, series_id, "--time", "11:00") == "every day at 11:00 Asia/Tokyo, from 2099-02-01"


def test_a_changed_recycling_keeps_what_is_not_given(cli: Command) -> None:
    words = ("--gap", "2 weeks", "--start", "2099-01-01 09:00")
    series_id = write(cli, "recycle", "Hello", "--to", "site", *words)
    end = "2099-01-01 09:00 Europe/Berlin"
    assert changed(cli, series_id, "--gap", "3 days") == f"again after 3 days, from {end}"
    assert changed(cli, series_id, "--time", "10:00", "--end", "2099-02-01") == (
        "again after 3 days, from 2099-01-01 10:00 Europe/Berlin until 2099-02-01"
    )
    assert changed(cli, series_id, "--start", "2099-01-05", "--end", "") == (
        "again after 3 days, from 2099-01-05 10:00 Europe/Berlin"
    )
    assert changed(cli, series_id, "--library", "tips").startswith(
        "from the library tips, again after 3 days"
    )
    assert changed(cli, series_id, "--library", "").startswith("again after 3 days")


def test_a_rule_in_a_file_is_the_whole_rule_of_a_changed_series(cli: Command) -> None:
    words = ("--repeat", "weekly", "--on", "mon,thu", "--time", "09:00", "--count", "4", *FAR)
    series_id = write(cli, "add", "Hello", "--to", "site", *words)
    source = file('+++\n[repeat]\nrepeat = "daily"\ntime = "10:00"\nstart_date = 2099-02-01\n+++\nNew')
    assert changed(cli, series_id, source) == "every day at 10:00 Europe/Berlin, from 2099-02-01"
    found = cli.done("series", "show", series_id, "--json").json
    assert (found["text"], found["to"]) == ("New", ["site"])


def test_a_changed_series_tells_what_became_of_its_posts(cli: Command) -> None:
    words = ("--repeat", "daily", "--time", "09:00", "--count", "4")
    series_id = write(cli, "add", "Hello", "--to", "site", *words)
    posts = [each["post"] for each in cli.done("series", "show", series_id, "--json").json["next"]]
    cli.done("edit", posts[0], "By hand")
    ran = cli.done("series", "edit", series_id, "Changed")
    assert f"Of its posts to come: {len(posts) - 1} changed.\n" in ran.out
    assert [cli.post(each)["text"] for each in posts] == ["By hand", *["Changed"] * (len(posts) - 1)]


def test_content_is_changed_and_taken_away(cli: Command) -> None:
    words = (
        "--repeat",
        "daily",
        "--time",
        "09:00",
        *FAR,
        "--title",
        "T",
        "--label",
        "a",
        "--late-limit",
        "6 h",
    )
    Path("a.png").write_bytes(b"")
    series_id = write(
        cli, "add", "Hello", "--to", "site", *words, "--variant", "Other", "--set", "site.text=x"
    )
    rest = (
        "--title",
        "",
        "--label",
        "",
        "--late-limit",
        "",
        "--variant",
        "",
        "--set",
        "site.text=y",
        "--no-media",
    )
    found = cli.done("series", "edit", series_id, *rest, "--json").json
    assert (found["title"], found["labels"], found["late_limit_seconds"]) == (None, [], None)
    assert (found["variants"], found["overrides"]["site"]["text"], found["text"]) == ([], "y", "Hello")


@pytest.mark.parametrize(
    ("words", "options", "problem"),
    [
        (
            ["add", "--repeat", "daily", "--time", "09:00"],
            ["--gap", "2 weeks", "--library", "x", "--time", "nonsense"],
            "this series comes by the calendar. For a recycled one write a new series.",
        ),
        (
            ["recycle", "--gap", "1 day", "--start", "2099-01-01 09:00"],
            ["--repeat", "daily", "--on", "mon"],
            "this series comes again after a gap. For one by the calendar write a new series.",
        ),
    ],
)
def test_a_series_stays_of_its_kind(cli: Command, words: list[str], options: list[str], problem: str) -> None:
    series_id = write(cli, words[0], "Hello", "--to", "site", *words[1:])
    names = [option for option in options if option.startswith("--") and option != "--time"]
    assert refused(cli, "edit", series_id, *options) == [f"{name}: {problem}" for name in names]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "Say what to change of it."),
        (("--media", "a.png", "--no-media"), "--no-media and --media exclude each other."),
    ],
)
def test_an_edit_that_says_nothing_or_contradicts_itself_is_a_wrong_usage(
    cli: Command, words: tuple[str, ...], message: str
) -> None:
    series_id = write(cli, "add", "Hello", "--to", "site", "--repeat", "daily", "--time", "09:00")
    ran = cli("series", "edit", series_id, *words)
    assert ran.code == 2
    assert message in ran.err
