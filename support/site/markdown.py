"""The Markdown of this repository as HTML: headings, paragraphs, lists, tables, fences, and HTML
as it stands. Links are passed through a function."""

import html
import re


def name_of(heading):
    """The anchor of a heading, as code hosts form it."""
    text = re.sub(r"\[(.*?)\]\(.*?\)", r"\1", heading)
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def inline(text, link):
    """A piece of text; `link` turns an address of the document into one of the page."""
    codes = []

    def keep(match):
        codes.append(f"<code>{html.escape(match[2].strip())}</code>")
        return f"\0{len(codes) - 1}\0"

    text = re.sub(r"(`+)(.+?)\1", keep, text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r"&(?!\w+;)", "&amp;", text)
    text = re.sub(r"<(?![a-z/])", "&lt;", text)
    text = re.sub(r'(src|href)="([^"]+)"', lambda m: f'{m[1]}="{link(m[2])}"', text)
    text = re.sub(r"!\[([^\]]*)\]\(([^)\s]+)\)",
                  lambda m: f'<img src="{link(m[2])}" alt="{html.escape(m[1])}">', text)
    text = re.sub(r"\[([^\]]*)\]\(([^)\s]+)\)",
                  lambda m: f'<a href="{link(m[2])}">{m[1]}</a>', text)
    text = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", text, flags=re.DOTALL)
    text = re.sub(r"(?<![\w*])\*([^\s*][^*]*)\*", r"<em>\1</em>", text)
    return re.sub(r"\0(\d+)\0", lambda m: codes[int(m[1])], text)


def table(rows, link):
    cells = [[cell.strip() for cell in row.strip().strip("|").split("|")] for row in rows]
    tags = ["th", *["td"] * (len(rows) - 2)]
    body = "".join(
        "<tr>" + "".join(f"<{tag}>{inline(cell, link)}</{tag}>" for cell in row) + "</tr>\n"
        for tag, row in zip(tags, [cells[0], *cells[2:]]))
    return f"<table>\n{body}</table>"


def items(lines, link):
    """A list; what is indented belongs to the item above it."""
    ordered = lines[0][0].isdigit()
    mark = r"(\* |- |\d+\. )"
    contents = []
    for line in lines:
        if re.match(mark, line):
            contents.append([re.sub(mark, "", line, count=1)])
        else:
            contents[-1].append(line.strip())
    tag = "ol" if ordered else "ul"
    body = "".join(f"<li>{to_html(content, link)}</li>\n" for content in contents)
    return f"<{tag}>\n{body}</{tag}>"


def take(lines, start, belongs):
    """The lines from `start` on, as long as they belong together."""
    end = start + 1
    while end < len(lines) and belongs(lines[end]):
        end += 1
    return lines[start:end], end


def to_html(lines, link):
    blocks, at = [], 0
    while at < len(lines):
        line = lines[at]
        fence = re.match(r"```+", line)
        heading = re.match(r"(#+) (.*)", line)
        if fence:
            end = next(i for i in range(at + 1, len(lines)) if lines[i].rstrip() == fence[0])
            blocks.append(f"<pre>{html.escape(chr(10).join(lines[at + 1:end]))}</pre>")
            at = end + 1
        elif heading:
            level = len(heading[1])
            blocks.append(f'<h{level} id="{name_of(heading[2])}">{inline(heading[2], link)}</h{level}>')
            at += 1
        elif line.startswith("|"):
            rows, at = take(lines, at, lambda other: other.startswith("|"))
            blocks.append(table(rows, link))
        elif re.match(r"\* |- |\d+\. ", line):
            content, at = take(lines, at, lambda other: re.match(r"\* |- |\d+\. |  +\S", other))
            blocks.append(items(content, link))
        elif re.match(r"</?(details|summary)", line) or line.startswith("<!--"):
            blocks.append(inline(line, link))
            at += 1
        elif line.strip():
            paragraph, at = take(lines, at, lambda other: other.strip() and not re.match(
                r"```|#+ |\||\* |</?details", other))
            text = inline("\n".join(paragraph), link)
            blocks.append(text if paragraph == lines else f"<p>{text}</p>")  # a list's item
        else:
            at += 1
    return "\n".join(block for block in blocks if block)
