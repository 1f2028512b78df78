"""What an account adds to its posts of its own accord: a signature, and parameters to links (UTM).

An account has patterns; a post keeps what was made of them for it when it was written or last changed, so
that it says the same at every try, and when it is looked up, whatever the account adds meanwhile.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from postbell.errors import Invalid, Problem


#: The parameters by which those who read the statistics of a site know where somebody came from, without the
#: prefix that they have in links (support.google.com/analytics/answer/10917952).
UTM = ("source", "medium", "campaign", "term", "content")
_PREFIX = "utm_"
#: What a pattern can name.
PLACES = ("network", "account", "post", "label")

_PLACE = re.compile(r"\{([^{}]*)\}")
_SITE = re.compile(r"[^\s/:?#@.][^\s/:?#@]*")


@dataclass(frozen=True, kw_only=True)
class Additions:
    """What is added to posts."""

    #: The last paragraph of each; of a thread, of its last part.
    signature: str = ""
    #: Parameters of links by name, with their prefix: of an account patterns, of a post values.
    utm: Mapping[str, str] = field(default_factory=dict)
    #: Only links to these hosts, and to those below them, get them; all links where there are none.
    sites: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is added."""
        return bool(self.signature or self.utm)

    def filled(self, *, network: str, account: str, post: str, label: str) -> Additions:
        """Return what is added to one post; a parameter that would be empty is left out."""
        values = {"network": network, "account": account, "post": post, "label": label}
        filled = {key: _PLACE.sub(lambda it: values[it[1]], pattern) for key, pattern in self.utm.items()}
        return replace(self, utm={key: value for key, value in filled.items() if value})


def read_additions(signature: str, utm: Mapping[str, str], sites: Iterable[str]) -> Additions:
    """Return what somebody wants added; names of parameters may have their prefix, or do without.

    An empty pattern stands for none. Raises Invalid with everything that is wrong.
    """
    problems: list[Problem] = []
    patterns: dict[str, str] = {}
    for given, pattern in utm.items():
        name = given.strip().lower().removeprefix(_PREFIX)
        if name not in UTM:
            near = difflib.get_close_matches(name, UTM, n=1)
            mend = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(UTM)}."
            problems.append(Problem(where="--utm", message=f"there is no parameter {given!r}. {mend}"))
        unknown = [place for place in _PLACE.findall(pattern) if place not in PLACES]
        if unknown:
            known = ", ".join(f"{{{place}}}" for place in PLACES)
            message = f"nothing is known for {{{unknown[0]}}} in {given}. There are: {known}."
            problems.append(Problem(where="--utm", message=message))
        patterns[f"{_PREFIX}{name}"] = pattern.strip()
    hosts = [site.strip().lower() for site in sites]
    problems += [
        Problem(where="--utm-site", message=f"{host!r} is no name of a host; write it like example.com.")
        for host in hosts
        if not _SITE.fullmatch(host)
    ]
    if problems:
        raise Invalid(problems)
    order = [f"{_PREFIX}{name}" for name in UTM if patterns.get(f"{_PREFIX}{name}")]
    ordered = {name: patterns[name] for name in order}
    return Additions(signature=signature.strip(), utm=ordered, sites=tuple(dict.fromkeys(hosts)))
