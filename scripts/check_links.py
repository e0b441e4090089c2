#!/usr/bin/env python3
"""Check the links of all Markdown files: targets inside the repository, and their headings.

usage: scripts/check_links.py [ROOT]

A broken link is one line, FILE:LINE: what is wrong, and the exit status is 1. Links with a scheme (https:) are not
followed. A file that a text names in backquotes by a path from the root, as `run/main.go`, must be there, too.
"""
import pathlib
import re
import sys
import urllib.parse

SKIPPED = {"bin", "runs", "node_modules", "__pycache__"}
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
DEFINITION = re.compile(r"^ {0,3}\[[^\]]+\]:\s*<?(\S+?)>?(?:\s+\"[^\"]*\")?\s*$")
HTML = re.compile(r"<(?:a|img)\b[^>]*?\b(?:href|src)=\"([^\"]+)\"")
ANCHOR = re.compile(r"<[^>]*\b(?:id|name)=\"([^\"]+)\"")
HEADING = re.compile(r"^ {0,3}#{1,6}\s+(.*?)\s*#*\s*$")
FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
CODE = re.compile(r"(`+)(.+?)\1")
PATH = re.compile(r"^[\w.-]+(?:/[\w.-]+)+\.\w+$")


def markdown_files(root):
    """The Markdown files under root, except those in hidden folders and build folders."""
    for path in sorted(root.rglob("*.md")):
        parts = path.relative_to(root).parts
        if not any(p.startswith(".") or p in SKIPPED for p in parts[:-1]):
            yield path


def prose(text):
    """Yields (line number, line) outside of fenced blocks."""
    fence = None
    for number, line in enumerate(text.splitlines(), 1):
        mark = FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence) and line.strip() == mark[1]:
                fence = None
        elif mark:
            fence = mark[1]
        else:
            yield number, line


def slug(heading):
    """The anchor that GitHub gives a heading."""
    heading = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")


def anchors(path):
    """The anchors of a Markdown file."""
    out, seen = set(), {}
    for _, line in prose(path.read_text(encoding="utf-8")):
        out.update(ANCHOR.findall(line))
        heading = HEADING.match(line)
        if heading:
            name = slug(heading[1])
            count = seen.get(name, 0)
            seen[name] = count + 1
            out.add(f"{name}-{count}" if count else name)
    return out


def targets(line):
    """The links of a line, without those in code."""
    plain = CODE.sub(lambda m: " " * len(m[0]), line)
    # The text of a link may be code, so that only the brackets within code are removed first.
    softened = CODE.sub(lambda m: re.sub(r"[\[\]()<>]", " ", m[0]), line)
    found = LINK.findall(softened) + HTML.findall(plain)
    definition = DEFINITION.match(plain)
    return found + ([definition[1]] if definition else [])


def fault(root, page, target):
    """What is wrong with a link, or None."""
    if re.match(r"^[A-Za-z][A-Za-z0-9+.-]*:", target) or target.startswith("//"):
        return None
    name, _, anchor = target.partition("#")
    name, anchor = urllib.parse.unquote(name), urllib.parse.unquote(anchor)
    if name.startswith("/"):
        return "is absolute: give a path from this file"
    path = (page.parent / name).resolve() if name else page
    if root != path and root not in path.parents:
        return "leads out of the repository"
    if not path.exists():
        return "is not there"
    if anchor and path.suffix == ".md" and anchor not in anchors(path):
        return f"has no heading #{anchor}"
    return None


def named_files(root, line):
    """Files that a line names in backquotes and that are not there."""
    for _, text in CODE.findall(line):
        first = text.split("/", 1)[0]
        if PATH.match(text) and first not in SKIPPED and (root / first).is_dir() and not (root / text).exists():
            yield text


def check(root):
    """Yields a line for each fault under root."""
    for page in markdown_files(root):
        for number, line in prose(page.read_text(encoding="utf-8")):
            where = f"{page.relative_to(root)}:{number}"
            for target in targets(line):
                wrong = fault(root, page, target)
                if wrong:
                    yield f"{where}: link {target} {wrong}"
            for name in named_files(root, line):
                yield f"{where}: the file {name} is not there"


def main(args):
    root = pathlib.Path(args[0] if args else pathlib.Path(__file__).parent.parent).resolve()
    faults = list(check(root))
    for line in faults:
        print(line, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
