"""What a network minds of a post, as problems of one account."""

from __future__ import annotations

from collections.abc import Iterable

from postbell.errors import Problem


#: Where something is wrong, and what.
Fault = tuple[str, str]


def problems_of(account: str, minded: Iterable[Fault], unsendable: Iterable[Fault] = ()) -> list[Problem]:
    """Return what the network would refuse, and what Postbell could not send it as it is.

    The latter is firm: of it something would be left out, so nobody can leave it to the network.
    """
    return [
        Problem(where=where, message=message, account=account, firm=firm)
        for firm, faults in ((True, unsendable), (False, minded))
        for where, message in faults
    ]
