"""What the site has besides docs/: the studies' pages and pictures, and the project's own papers, where they lie.

A page links to files by their place in the repository, so that the links work there, too. Here they lead to the site's
pages; a file that the site does not show is named only, and one that does not exist ends a strict build.
"""

from __future__ import annotations

import re
from pathlib import Path
from posixpath import dirname, join, normpath, relpath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(r"(^ *```.*?^ *```)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages and pictures from outside of docs/."""
    for path in (*sorted(ROOT.glob("experiments/*/*.md")), *sorted(ROOT.glob("experiments/*/*.png"))):
        _add(files, config, path)
    for name in ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"):
        _add(files, config, ROOT / name)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links lead to the site's pages."""
    parts = _FENCE.split(markdown)
    return "".join(part if number % 2 else _relinked(part, page, files) for number, part in enumerate(parts))


def _add(files: Files, config: MkDocsConfig, path: Path) -> None:
    files.append(File.generated(config, path.relative_to(ROOT).as_posix(), abs_src_path=str(path)))


def _relinked(text: str, page: Page, files: Files) -> str:
    here = page.file.src_uri
    place = here if page.file.generated_by else f"docs/{here}"

    def changed(link: re.Match[str]) -> str:
        picture, words, target = link.groups()
        path, _, anchor = target.partition("#")
        if not path or re.match(r"[a-z]+:", path):
            return link[0]
        there = normpath(join(dirname(place), path))
        uri = "index.md" if there == "README.md" else there.removeprefix("docs/")
        if files.get_file_from_path(uri) is not None:
            return f"{picture}[{words}]({relpath(uri, dirname(here) or '.')}{'#' + anchor if anchor else ''})"
        if not picture and (ROOT / there).exists():
            return words
        return link[0]

    return _LINK.sub(changed, text)
