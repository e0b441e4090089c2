"""Tests of check_links.py: python3 scripts/check_links_test.py"""
import pathlib
import tempfile
import unittest

import check_links


class Check(unittest.TestCase):
    def faults(self, text, **files):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder).resolve()
            for name, content in {"docs/a.md": text, "run/main.go": "", **files}.items():
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content, encoding="utf-8")
            return list(check_links.check(root))

    def test_links_that_are_right(self):
        text = "# A `b` c: d\n## Two\n## Two\n[x](#a-b-c-d) [y](#two-1) [z](b.md#große-häuser) ![p](../run/main.go)\n"
        text += "[`run/main.go`](../run/main.go) [w](https://example.org/none#x) [t](b.md \"title\")\n"
        text += "[r]\n\n[r]: b.md#own\n`[code](none.md)`\n```\n[fenced](none.md)\n# no heading\n```\n`run/main.go`\n"
        self.assertEqual(self.faults(text, **{"docs/b.md": "# Große Häuser\n<a id=\"own\"></a>\n"}), [])

    def test_faults(self):
        cases = {
            "[x](none.md)": "docs/a.md:1: link none.md is not there",
            "text\n[x](#none)": "docs/a.md:2: link #none has no heading #none",
            "[x](b.md#none)": "docs/a.md:1: link b.md#none has no heading #none",
            "![x](none.png)": "docs/a.md:1: link none.png is not there",
            "<img src=\"none.png\">": "docs/a.md:1: link none.png is not there",
            "[x]: none.md": "docs/a.md:1: link none.md is not there",
            "[x](/run/main.go)": "docs/a.md:1: link /run/main.go is absolute: give a path from this file",
            "[x](../../etc)": "docs/a.md:1: link ../../etc leads out of the repository",
            "```\n# fenced\n```\n[x](#fenced)": "docs/a.md:4: link #fenced has no heading #fenced",
            "see `run/none.go`": "docs/a.md:1: the file run/none.go is not there",
            "[`b`](none.md)": "docs/a.md:1: link none.md is not there",
        }
        for text, want in cases.items():
            with self.subTest(text):
                self.assertEqual(self.faults(text, **{"docs/b.md": "# B\n"}), [want])


if __name__ == "__main__":
    unittest.main()
