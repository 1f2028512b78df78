"""Graphemes are parted as Unicode's own file says, and as ICU does it, which nobody here wrote."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path

import pytest
import regex

from postbell.domain.text import graphemes, split_graphemes
from support import servers
from support.uax29 import CLASSES


pytestmark = pytest.mark.real

#: Reads texts, and says how ICU parts them; nothing of a text with a character that it does not know yet.
_ICU = """
const icu = new Intl.Segmenter("en", { granularity: "grapheme" })
const texts = JSON.parse(require("fs").readFileSync(0, "utf8"))
const parted = (text) => Array.from(icu.segment(text), (part) => part.segment)
console.log(JSON.stringify(texts.map((text) => (/\\p{Cn}/u.test(text) ? null : parted(text)))))
"""
_TEXTS = 50_000


def test_every_line_of_unicode_s_test_is_parted_and_counted_as_it_says(unicode: Path) -> None:
    head, *lines = unicode.read_text("utf-8").splitlines()
    assert head == "# GraphemeBreakTest-18.0.0.txt"
    told = [line.partition("#")[0].strip(" ÷\t") for line in lines]
    cases = [[_text(part) for part in line.split("÷")] for line in told if line]
    assert len(cases) == 853
    for parts in cases:
        text = "".join(parts)
        assert split_graphemes(text) == parts, [f"{ord(character):04X}" for character in text]
        assert graphemes(text) == len(parts)


def _text(part: str) -> str:
    return "".join(chr(int(code, 16)) for code in regex.findall(r"[0-9A-F]+", part))


def test_texts_of_all_kinds_of_characters_are_parted_as_icu_parts_them(unicode: Path) -> None:
    """Without what joins letters of India: since Unicode 18 the rule for that is another one."""
    del unicode  # which is there where a Node is, and with that ICU
    characters = "".join(chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000)
    kinds = [regex.findall(rf"[\p{{{name}}}--\p{{InCB=Linker}}]", characters, regex.V1) for name in CLASSES]
    chance = random.Random(29)
    texts = [_made(list(filter(None, kinds)), chance) for _ in range(_TEXTS)]
    command = [str(servers.node()), "-e", _ICU]
    done = subprocess.run(command, input=json.dumps(texts), capture_output=True, text=True, check=True)
    said = zip(texts, json.loads(done.stdout), strict=True)
    known = [(text, parts) for text, parts in said if parts is not None]
    assert len(known) > _TEXTS / 4
    for text, parts in known:
        assert split_graphemes(text) == parts, [f"{ord(character):04X}" for character in text]


def _made(kinds: list[list[str]], chance: random.Random) -> str:
    return "".join(chance.choice(chance.choice(kinds)) for _ in range(chance.randint(1, 8)))
