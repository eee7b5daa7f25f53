"""Yes and no to some pictures of a label: its threshold, calibration, and a head that learns from the examples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from sharedspace import calibration, tuning
from sharedspace.collection import Collection
from sharedspace.plots import curves
from sharedspace.records import Classification
from sharedspace.tuning import NO, OPEN, YES, Tuned
from sharedspace.ui import galleries, labelling, state, worked
from sharedspace.ui.figures import figure
from sharedspace.ui.gallery.component import Tile
from sharedspace.ui.labelling import Asked
from sharedspace.ui.routes import address
from sharedspace.ui.state import Undo
from sharedspace.ui.telling import errors, guarded
from sharedspace.ui.text import escaped, plain

STRIP = 24  # pictures of the strip that are open
JUDGED = 12  # and that were judged
BUTTONS = 12  # labels that are buttons
GALLERY = "bench.strip"
WORDS = {tuning.EXAMPLES: "examples", tuning.CALIBRATION: "calibration", tuning.THRESHOLDS: "thresholds"}
MARKS = {YES: "✓", NO: "✗", OPEN: ""}
SIGNS = {YES: 1, NO: -1, OPEN: 0}  # as the plot takes them


def hear(collection: Collection) -> None:
    """Take what was done in the strip, before the selection is shown."""
    galleries.hear(GALLERY, collection.snapshot().ids)


def show(collection: Collection, asked: Asked, result: Classification) -> None:
    """The strip of one label with its verbs, and what all clicks together bring."""
    names = [label.name for label in asked.labels]
    judged = collection.judged(names)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _label(collection, asked, names, judged)
    with right:
        _brings(collection, asked, judged)


def _label(collection: Collection, asked: Asked, names: Sequence[str], judged: np.ndarray) -> None:
    label = _chosen(names)
    # Without thresholds and examples, which follow the clicks: else the strip would move under the visitor's hands.
    odds = worked.odds(collection, asked, label)
    own = judged[label]
    threshold = tuning.threshold(odds, own, asked.mode)
    passed = collection.mask(asked.where, asked.within)
    seen = np.arange(len(odds)) if passed is None else np.flatnonzero(passed)
    cut = 0.0 if threshold is None else threshold.value
    rows = _strip(odds, own, seen, cut)
    ids, records = collection.snapshot().ids, collection.snapshot().records
    _next(collection, names[label], rows, own, odds)
    galleries.show(
        [
            Tile(ids[row], _percent(odds[row]), galleries.caption(records[row]), mark=MARKS[int(own[row])])
            for row in rows
        ],
        GALLERY,
        "5.4rem",
        f"Pictures to judge for {names[label]}, by score",
    )
    _verbs(collection, names[label])
    figure(
        curves.strip(
            odds,
            np.array([SIGNS[int(one)] for one in own]),
            None if threshold is None else float(threshold.value),
        ),
        key="bench.strip.plot",
        alt="Where the pictures lie by score, with those that were judged and the threshold",
    )
    _said(names[label], threshold)


def _chosen(names: Sequence[str]) -> int:
    """The label that is judged. Few are buttons, so that Y and N go to no box."""
    if len(names) <= BUTTONS:
        chosen = st.pills("Label to judge", list(names), default=names[0], required=True, key="bench.judge.few")
    else:
        chosen = st.selectbox("Label to judge", list(names), key="bench.judge.many")
    return names.index(str(chosen)) if chosen in names else 0


def _strip(odds: np.ndarray, own: np.ndarray, seen: np.ndarray, cut: float) -> list[int]:
    """Rows to judge, and of those that were judged the ones nearest to the cut, the highest score first."""
    left, done = seen[own[seen] == OPEN], seen[own[seen] != OPEN]
    asked = left[calibration.strip(odds[left], [], STRIP, cut)]
    near = done[np.argsort(np.abs(odds[done] - cut), kind="stable")[:JUDGED]]
    rows = np.concatenate([asked, near])
    return [int(row) for row in rows[np.argsort(-odds[rows], kind="stable")]]


def _percent(odds: float) -> str:
    share = 1 / (1 + np.exp(-float(odds)))
    return f"{share:.0%}" if 0.1 <= share <= 0.995 or share < 0.0005 else f"{share:.1%}"


def _next(collection: Collection, label: str, rows: Sequence[int], own: np.ndarray, odds: np.ndarray) -> None:
    """The picture of the strip whose answer tells most, large, with yes and no, also by keys."""
    open_rows = [int(row) for row in rows if own[row] == OPEN]
    if not open_rows:
        st.success("All pictures are judged for this label.", icon=":material/done_all:")
        return
    row = open_rows[len(open_rows) // 2] if len(open_rows) > 2 else open_rows[0]
    record = collection.snapshot().records[row]
    picture, verbs = st.columns([2, 3], vertical_alignment="center")
    words = escaped(galleries.caption(record))
    picture.html(
        f'<img src="{escaped(address(f"/thumbs/{record.id}"))}" alt="{words}" '
        'style="display:block; width:100%; max-width:14rem; max-height:14rem; object-fit:contain; border-radius:.5rem">'
    )
    with verbs:
        st.markdown(f"Is this **{plain(label)}**? The words say {_percent(odds[row])}.")
        with st.container(horizontal=True, gap="small"):
            for key, words, icon, answer in (
                ("Y", "Yes", ":material/check:", True),
                ("N", "No", ":material/close:", False),
            ):
                st.button(
                    words,
                    icon=icon,
                    key=f"bench.next.{key}",
                    shortcut=key,
                    on_click=_judge_next,
                    args=(collection, label, record.id, answer),
                )
        st.caption(plain(galleries.caption(record)))


def _verbs(collection: Collection, label: str) -> None:
    ids = tuple(sorted(state.get().selected))
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        for words, icon, answer in (
            ("Yes to the selected", ":material/check:", True),
            ("No to the selected", ":material/close:", False),
            ("Take back", ":material/undo:", None),
        ):
            st.button(
                f"{words} {len(ids):,}" if ids and answer is not None else words,
                icon=icon,
                key=f"bench.judge.{words}",
                type="tertiary",
                disabled=not ids,
                on_click=_judge,
                args=(collection, label, ids, answer),
            )


@guarded
def _judge_next(collection: Collection, label: str, id: str, answer: bool) -> None:
    """Judge the picture that is asked about, unless it was meanwhile: by a quick second press, or somebody else."""
    now = collection.now
    row = now.rows({id})
    if len(row) and now.judged([label])[0, row[0]] == OPEN:
        _judged(now, label, (id,), answer)


@guarded
def _judge(collection: Collection, label: str, ids: tuple[str, ...], answer: bool | None) -> None:
    _judged(collection.now, label, ids, answer)
    state.select(frozenset(state.get().selected) - set(ids))


def _judged(now: Collection, label: str, ids: tuple[str, ...], answer: bool | None) -> None:
    before = now.judge(label, ids, answer)
    after = dict.fromkeys(ids, answer)
    state.did(Undo(f"judged {len(ids):,} for {label}", "give", ids, now.judging(label), before, after))


def _said(label: str, threshold: calibration.Threshold | None) -> None:
    if threshold is None:
        st.caption(
            "Say yes or no to a few pictures: the threshold of this label follows, and the order of clicks does not "
            f"count. Each answer is kept as the metadata field **is {plain(label)}**."
        )
        return
    mistakes = f", {threshold.mistakes} of them on its wrong side" if threshold.mistakes else ""
    st.caption(
        f"Threshold of the words alone, from {threshold.yes} yes and {threshold.no} no{mistakes}: "
        f"a probability of {_percent(threshold.value)}."
    )


# ---- what the clicks bring --------------------------------------------------------------------------


def _brings(collection: Collection, asked: Asked, judged: np.ndarray) -> None:
    count = tuning.judgements(judged)
    st.pills(
        "Use in the answers",
        list(tuning.USES),
        selection_mode="multi",
        default=[],
        key=labelling.USES,
        persist_state="session",
        format_func=lambda use: WORDS[use],
        help="Answers, figures and export are then those of the tuned classifier",
        disabled=not count,
    )
    st.caption(f"{count:,} judgements by now. They live with the collection, and all who work on it share them.")
    with st.expander("Thresholds", expanded=True):
        _thresholds(asked, _tuned(collection, asked, tuning.THRESHOLDS))
    with st.expander("Calibration", expanded=True):
        _calibration(asked, judged, _tuned(collection, asked, tuning.CALIBRATION))
    with st.expander("From words to examples", expanded=True):
        _examples(collection, asked, judged, _tuned(collection, asked, tuning.EXAMPLES))


def _tuned(collection: Collection, asked: Asked, use: str) -> Tuned:
    """The classifier with one use of the clicks, beside those that are chosen."""
    return worked.tuned(collection, asked, tuple(sorted({*labelling.uses(), use})))


def _thresholds(asked: Asked, tuned: Tuned) -> None:
    rows = [
        {
            "label": label.name,
            "yes": one.yes,
            "no": one.no,
            "probability": float(tuned.classifier.thresholds[place]),
            "mistakes": one.mistakes,
        }
        for place, (label, one) in enumerate(zip(asked.labels, tuned.thresholds, strict=True))
        if one is not None and tuned.classifier.thresholds is not None
    ]
    if rows:
        st.dataframe(rows, hide_index=True, alt="The threshold of each judged label")
    else:
        st.caption("None yet.")


def _calibration(asked: Asked, judged: np.ndarray, tuned: Tuned) -> None:
    missing = tuning.missing(tuned.classifier, judged)
    if missing:
        what = "judgements" if asked.mode == "many" else "pictures accepted for one label"
        st.caption(f"{missing} more {what} are needed, to tell how far a probability can be believed.")
        return
    if tuned.calibration is None:
        st.caption("It could not be fitted to these judgements.")
        return
    found = tuned.calibration
    st.markdown(f"Temperature × **{found.temperature:.2f}**, offset **{found.offset:+.2f}**")
    if tuned.before is None or tuned.after is None:
        st.caption("The half that is held out is too small yet to draw how reliable it is.")
        return
    before, after = tuned.before, tuned.after
    figure(
        curves.reliability(
            before.edges,
            (before.confidence, before.accuracy, before.counts),
            (after.confidence, after.accuracy, after.counts),
        ),
        key="bench.reliability",
        alt="Reliability diagram before and after calibration",
    )
    st.caption(
        f"Expected calibration error on the {int(before.counts.sum())} judgements that were held out: "
        f"**{before.ece:.3f}** before, **{after.ece:.3f}** after."
    )


def _examples(collection: Collection, asked: Asked, judged: np.ndarray, tuned: Tuned) -> None:
    if not tuning.learns(worked.classifier(collection, asked)):
        st.caption("Examples are blended with the words where a picture is one of the labels, without *none of these*.")
        return
    given = tuning.examples(judged)
    clicked = int((given >= 0).sum())
    if tuned.learned is None:
        st.caption("Say yes to a few pictures of each label: a linear head learns from them, and the words stay in it.")
    else:
        st.markdown(
            f"On the {tuned.learned.n} clicked pictures, each judged by a head that did not see it: "
            f"**{tuned.learned.head:.0%}** right, by words alone {tuned.learned.zero_shot:.0%}."
        )
        st.caption("Pictures that were chosen to be judged are often the hard ones: both figures are low for that.")
    if asked.truth is None:
        st.caption(f"{clicked} examples by now. With known answers above, what more clicks would bring is drawn here.")
        return
    if st.toggle("Draw what clicks would bring", key="bench.curve"):
        with errors(stop=False):
            curve = worked.learning_curve(collection, asked)
            figure(
                curves.learning(
                    curve.counts, np.array(curve.mean), np.array(curve.low), np.array(curve.high), curve.zero_shot
                ),
                key="bench.learning",
                alt="Accuracy against clicked images per label, with zero-shot as the line to beat",
            )
            st.caption(
                f"n = {curve.n:,}: one half of each label is clicked from, the other judged; mean and range of 5 draws."
            )
