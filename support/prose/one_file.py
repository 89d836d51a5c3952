#!/usr/bin/env python3
"""Puts the pictures of an HTML page into the page: one_file.py PAGE. Those on the network stay."""

import base64
import re
import sys
from pathlib import Path


def with_pictures(html, folder):
    def inline(found):
        fragment = found[2] or ""
        picture = base64.b64encode((folder / found[1]).read_bytes()).decode("ascii")
        return f'src="data:image/svg+xml;base64,{picture}{fragment}"'

    return re.sub(r'src="(?![a-z]+:)([^"#]*\.svg)(#[^"]*)?"', inline, html)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    page = Path(sys.argv[1])
    page.write_text(with_pictures(page.read_text(encoding="utf-8"), page.parent), encoding="utf-8")


if __name__ == "__main__":
    main()
