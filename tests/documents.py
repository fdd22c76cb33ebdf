"""What the project's pages show: their blocks of code, the files that they have readers save, and their commands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# the words before a block that is to be saved: "Save this as `my_gan.py`:"
_SAVED_AS = re.compile(r"save (?:this )?as\s+`([\w.]+)`:\s*$", re.IGNORECASE)


class Block(NamedTuple):
    """A block of code.

    Attributes:
        language: as the page states it; empty for what is not to be run as it is.
        text: its lines.
        file: name of the file that readers are to save it as, if they are.
    """

    language: str
    text: str
    file: str | None


def blocks(page: Path) -> list[Block]:
    """Return a page's blocks of code, in order."""
    text = page.read_text(encoding="utf-8")
    found = []
    for block in _BLOCK.finditer(text):
        saved = _SAVED_AS.search(text[: block.start()])
        found.append(Block(block[1], block[2], saved[1] if saved else None))
    return found


def commands(page: Path) -> Iterator[list[str]]:
    """Yield the arguments of every ``gan-imbalance`` command of a page, the subcommand first.

    What stands for a reader's own settings (``...``), comments, and a shell's ``&`` are left out.
    """
    for block in blocks(page):
        if block.language not in ("", "bash"):
            continue
        for line in block.text.replace("\\\n", " ").splitlines():
            if re.search(r"(^|[\s/])gan-imbalance\s|-m gan_imbalance\s", line) and not line.startswith("#"):
                words = shlex.split(line, comments=True)
                start = next(n for n, word in enumerate(words) if re.search("gan[-_]imbalance$", word)) + 1
                yield [word for word in words[start:] if word not in ("...", "&")]
