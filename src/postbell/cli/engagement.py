"""`postbell engagement`.

With `--json`:

    engagement ID RESPONSES  {post, account, responses}
    engagement               {account, weekday, hour, zone, mean, posts}, a line for each hour of the week
                             that is known of; weekday 0 is Monday, mean is that of the responses to a post
"""

from __future__ import annotations

import click

from postbell.cli.common import State, pass_state
from postbell.domain.time_words import WEEKDAYS


@click.command()
@click.argument("post_id", metavar="[ID", required=False)
@click.argument("responses", metavar="RESPONSES]", required=False, type=click.IntRange(0, 10**12))
@click.option("--account", metavar="NAME", help="The account, if the post was published with several.")
@pass_state
def engagement(state: State, *, post_id: str | None, responses: int | None, account: str | None) -> None:
    """Count who responded to a post, so that --auto learns which hours are good.

    RESPONSES is how many people liked, answered or shared the published post, all together; it replaces what
    was said before. Without arguments, shows what came back at each hour of the week.

    \b
    Example:
      postbell engagement k7f2 24
    """  # noqa: D301 - click wants the character
    if post_id is None:
        if account:
            raise click.UsageError("Say which post, and how many people responded to it.")
        _show(state)
        return
    if responses is None:
        raise click.UsageError("Say how many people responded to the post.")
    office = state.open_office()
    post, name = office.count_responses(office.load_post(post_id), responses, account)
    if state.json:
        state.emit({"post": post, "account": name, "responses": responses})
    people = "1 person" if responses == 1 else f"{responses} people"
    state.say(f"Noted: {people} responded to post {post} on {name}.")


def _show(state: State) -> None:
    hours = state.open_office().hours()
    if state.json:
        for hour in hours:
            state.emit(hour)
    elif hours:
        rows = [
            [
                hour["account"],
                f"{WEEKDAYS[hour['weekday']][:3].title()} {hour['hour']:02}:00 {hour['zone']}",
                f"{hour['mean']:.1f}",
                str(hour["posts"]),
            ]
            for hour in hours
        ]
        state.table(["ACCOUNT", "HOUR", "RESPONSES", "POSTS"], rows)
    else:
        state.note(
            "no responses are known yet; count those to a post with `postbell engagement ID RESPONSES`."
        )
