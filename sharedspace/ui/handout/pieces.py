"""The blocks of a lesson as HTML; what follows a question lies in a template, which the browser does not show."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from itertools import zip_longest
from numbers import Integral, Real

from sharedspace.plots import page as plots
from sharedspace.ui.handout.prose import html_of
from sharedspace.ui.learning.blocks import Block, Code, Drawn, Head, Picture, Pictures, Prose, Quiz, Table
from sharedspace.ui.text import escaped

ROWS = 200  # of a table
HEIGHT = 400  # px, of a figure that does not say


def written(blocks: Sequence[Block], tail: str = "") -> str:
    """All blocks in order, and `tail` after them: behind each question, in its template, all that comes after it."""
    html, questions = tail, sum(isinstance(block, Quiz) for block in blocks)
    shown = [block for block in blocks if not isinstance(block, Code)]
    for block, after in reversed(list(zip_longest(shown, shown[1:]))):
        if isinstance(block, Quiz):
            html = _quiz(block, questions, html)
            questions -= 1
        elif isinstance(block, Drawn):
            # A note below a figure is its caption already.
            html = _drawn(block, not (isinstance(after, Prose) and after.quiet)) + html
        else:
            html = _piece(block) + html
    return html


def _piece(block: Block) -> str:
    match block:
        case Head():
            return f"<h2>{escaped(block.text)}</h2>\n"
        case Prose():
            return (
                f'<div class="ho-quiet">{html_of(block.markdown)}</div>\n' if block.quiet else html_of(block.markdown)
            )
        case Table():
            return _table(block)
        case Pictures():
            return _pictures(block)
        case Picture():
            src = f"data:image/png;base64,{base64.b64encode(block.png).decode('ascii')}"
            return f'<img class="ho-single" src="{src}" alt="{escaped(block.alt)}" decoding="async">\n'
    return ""  # of what is written by `written` itself


def _quiz(quiz: Quiz, number: int, rest: str) -> str:
    name = f"question-{number}"
    options = "".join(
        f'<label><input type="radio" name="{name}" value="{place}"> <span>{escaped(option)}</span></label>\n'
        for place, option in enumerate(quiz.options)
    )
    right = quiz.options.index(quiz.right) if quiz.right in quiz.options else ""
    told = "" if quiz.chosen is None else " data-told"  # whether the answer is in the file
    return (
        f'<form class="ho-quiz" data-right="{right}"{told}>\n'
        f'<div id="{name}"><p class="ho-first">Predict first</p>{html_of(quiz.question)}</div>\n'
        f'<div role="radiogroup" aria-labelledby="{name}">\n{options}</div>\n'
        '<button type="submit">Commit</button> <span class="ho-hint" role="status"></span>\n</form>\n'
        f'<template><div class="ho-verdict" tabindex="-1"><p></p>{html_of(quiz.why)}</div>\n{rest}</template>\n'
    )


def _drawn(block: Drawn, captioned: bool) -> str:
    alt, height = escaped(block.alt), int(block.figure.layout.height or HEIGHT)
    return (
        f'<figure class="ho-figure"><div role="img" aria-label="{alt}" data-height="{height}"></div>\n'
        f'<script type="application/json">{plots.figure_json(block.figure)}</script>\n'
        + (f'<figcaption aria-hidden="true">{alt}</figcaption>' if captioned else "")
        + "</figure>\n"
    )


def _table(block: Table) -> str:
    columns = {name: list(values) for name, values in block.columns.items()}
    rows = list(zip_longest(*columns.values()))
    heads = "".join(f'<th scope="col">{escaped(name)}</th>' for name in columns)
    body = "\n".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows[:ROWS])
    more = f'<p class="ho-quiet">{len(rows) - ROWS:,} more rows are not in this file.</p>' if len(rows) > ROWS else ""
    return (
        f'<div class="ho-table" tabindex="0" role="region" aria-label="{escaped(block.alt)}"><table>'
        f"<thead><tr>{heads}</tr></thead>\n<tbody>{body}</tbody></table></div>{more}\n"
    )


def _cell(value: object) -> str:
    item = getattr(value, "item", None)
    value = item() if callable(item) else value  # of numpy
    if value is None:
        return "<td></td>"
    if isinstance(value, bool):
        return f"<td>{'yes' if value else 'no'}</td>"
    if isinstance(value, Integral):
        return f'<td class="ho-number">{int(value):,}</td>'
    if isinstance(value, Real):
        return f'<td class="ho-number">{float(value):.4g}</td>'
    return f"<td>{escaped(str(value))}</td>"


def _pictures(block: Pictures) -> str:
    items = "".join(
        f'<li><img data-picture="{escaped(id)}" alt="" loading="lazy" decoding="async">'
        f"<span>{escaped(words)}</span></li>\n"
        for id, words in zip(block.ids, block.captions, strict=True)
    )
    return f'<ul class="ho-pictures" aria-label="{escaped(block.alt)}">\n{items}</ul>\n'
