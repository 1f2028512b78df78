"""What is left to read of a text with the markup of Telegram's Bot API, whose limits count just that.

Both forms are read as the server reads them (core.telegram.org/bots/api#formatting-options, and
td/telegram/MessageEntity.cpp of github.com/tdlib/td). What it would refuse raises ValueError.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping


_TAGS = frozenset(
    {
        *("a", "b", "strong", "i", "em", "s", "strike", "del", "u", "ins", "span", "pre", "code"),
        *("blockquote", "tg-spoiler", "tg-emoji", "tg-time"),
    }
)
#: A tag with its attributes; a value in quotes may hold `>`.
_TAG = re.compile(r"""<(?P<end>/?)(?P<name>[^\s>]*+)(?:"[^"]*+"|'[^']*+'|[^>"'])*+>""")
_ENTITY = re.compile(r"&(?:(lt|gt|amp|quot)(?![A-Za-z])|#x[0-9A-Fa-f]{1,6}|#[0-9]{1,7});?")

_RESERVED = "_*[]()~`>#+-=|{}.!"
#: What is escaped, what can begin or end something, and everything else one by one.
_SIGN = re.compile(r"\\[\x01-\x7e]|```|__|\|\||!\[|.", re.DOTALL)
#: The same inside of code, where only what ends it counts.
_IN_CODE = re.compile(r"\\[\x01-\x7e]|.", re.DOTALL)
_IN_PRE = re.compile(r"\\[\x01-\x7e]|```|.", re.DOTALL)
#: What follows the beginning of a block of code: the name of a language, and one line break.
_LANGUAGE = re.compile(r"(?:[^\s`]+(?=\s))?(?:\r\n|\n\r|\n|\r)?")
_ADDRESS = re.compile(r"\((?:\\[\x01-\x7e]|[^)])*\)")


def plain_html(text: str) -> str:
    """Return the text without its tags, and with the characters that its entities stand for."""
    plain: list[str] = []
    inside: list[str] = []
    at = 0
    for tag in _TAG.finditer(text):
        plain.append(text[at : tag.start()])
        at, name = tag.end(), tag["name"].lower()
        if tag["end"]:
            if not inside or name not in ("", inside.pop()):
                raise ValueError(f"</{name}> does not end what was begun last.")
        elif name in _TAGS:
            inside.append(name)
        else:
            raise ValueError(f"Telegram has no <{name}>; a < that is meant as such is written &lt;.")
    plain.append(text[at:])
    if inside:
        raise ValueError(f"<{inside[-1]}> is never ended.")
    left = "".join(plain)
    if "<" in left:
        raise ValueError("a < that begins no tag is written &lt;.")
    return _ENTITY.sub(_character, left)


def _character(found: re.Match[str]) -> str:
    number = found[0].strip("&#;")
    if found[1]:
        return html.unescape(f"&{found[1]};")
    code = int(number[1:], 16) if number.startswith("x") else int(number)
    return chr(code) if 0 < code < 0x10FFFF else found[0]


def plain_markdown(text: str) -> str:
    """Return the text of a MarkdownV2 without what is only markup."""
    return _Markdown(text).read()


class _Markdown:
    """One text that is being read."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._plain: list[str] = []
        #: What was begun and has not ended: the sign, and where it stands.
        self._inside: list[tuple[str, int]] = []
        #: Whether a `>` here would begin a quotation.
        self._line_begins = True

    def read(self) -> str:
        while self._at < len(self._text):
            self._step()
        self._end_quote()
        if self._inside:
            sign, at = self._inside[-1]
            raise ValueError(f"what {sign} begins at character {at + 1} is never ended.")
        return "".join(self._plain)

    def _step(self) -> None:
        last = self._inside[-1][0] if self._inside else ""
        reading = {"`": _IN_CODE, "```": _IN_PRE}.get(last, _SIGN)
        found = reading.match(self._text, self._at)
        assert found
        sign, start, self._at = found[0], found.start(), found.end()
        if len(sign) == 2 and sign[0] == "\\":
            self._say(sign[1])
        elif reading is not _SIGN and "`" not in sign:
            self._plain.append(sign)
            self._line_begins = False
        elif sign == "\n":
            self._say(sign)
            if not self._text.startswith(">", self._at):
                self._end_quote(before=start)
        elif sign == ">" and self._line_begins:
            if all(begun != ">" for begun, _ in self._inside):
                self._inside.append((sign, start))
        elif sign != ">" and (sign == last or (sign == "]" and last in ("[", "!["))):
            self._inside.pop()
            self._skip_address(last)
        else:
            self._begin(sign, start)

    def _say(self, character: str) -> None:
        self._plain.append(character)
        if character != "\r":
            self._line_begins = character == "\n"

    def _begin(self, sign: str, start: int) -> None:
        if sign in ("```", "__", "||", "![", "_", "*", "~", "`", "["):
            self._inside.append((sign, start))
            if sign == "```":
                skipped = _LANGUAGE.match(self._text, self._at)
                assert skipped
                self._at = skipped.end()
        elif sign in _RESERVED:
            raise ValueError(f"the {sign} at character {start + 1} needs a backslash before it.")
        else:
            self._say(sign)

    def _skip_address(self, sign: str) -> None:
        """Skip the address that may follow a link's text, and must follow an emoji."""
        address = _ADDRESS.match(self._text, self._at)
        if sign in ("[", "![") and address:
            self._at = address.end()
        elif sign == "![" or (sign == "[" and self._text.startswith("(", self._at)):
            raise ValueError(f"the address after character {self._at} is missing, or is never ended.")

    def _end_quote(self, before: int | None = None) -> None:
        """End a quotation where its lines end; `||` at its very end only makes it one that unfolds."""
        end = len(self._text) if before is None else before
        if all(begun != ">" for begun, _ in self._inside):
            return
        if self._inside[-1] == ("||", end - 2):
            self._inside.pop()
        if self._inside[-1][0] == ">":
            self._inside.pop()
        elif before is not None:
            sign, at = self._inside[-1]
            raise ValueError(f"what {sign} begins at character {at + 1} is not ended in its quotation.")


#: The names of markup there, by the word for it in options.
MODES = {"html": "HTML", "markdown": "MarkdownV2"}
#: What a text is without its markup, by the name that Telegram has for that.
PLAIN: Mapping[str, Callable[[str], str]] = {"HTML": plain_html, "MarkdownV2": plain_markdown}


def plain_of(text: str, markup: str) -> str:
    """Return what is left to read of a text, by the word for its markup in options; raises ValueError."""
    if markup == "commonmark":
        from postbell.publishing.telegram.formatted import formatted

        return formatted(text).text
    return PLAIN[MODES[markup]](text) if markup in MODES else text


def escape_markdown(text: str) -> str:
    """Return a text as MarkdownV2 that shows just that."""
    return re.sub(r"([_*\[\]()~`>#+\-=|{}.!\\])", r"\\\1", text)
