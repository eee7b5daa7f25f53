"""A training while it runs: its buttons, its matrix, its curves; drawn anew each second."""

from __future__ import annotations

from functools import partial
from itertools import count

import numpy as np
import streamlit as st

from sharedspace.lessons.rates import Rate
from sharedspace.lessons.training import MOST, Seen, Settings, loss_at_start, smooth
from sharedspace.plots import theme
from sharedspace.plots import training as plots
from sharedspace.ui.learning.sheet import Sheet
from sharedspace.ui.learning.training_knobs import anew, before, present
from sharedspace.ui.learning.training_run import Run

PAIRS = 8  # of a batch that are shown
ENOUGH = 16_000  # samples after which what a training has come to can be told


def panel(sheet: Sheet, run: Run, wanted: Settings) -> None:
    """The live part of the page; the page runs anew when a training begins, ends or has come far enough."""
    drawn = stage(run)
    ticks = count()

    @st.fragment(run_every=1.0 if run.active else None)
    def live() -> None:
        run.touch()
        if next(ticks) and run.ended == "left":  # nobody left: this server was too busy to draw the page in time
            run.go()
        with sheet.part("live"):
            _buttons(run, wanted)
            if run.seen is not None:
                _show(sheet, run.seen)
                if not run.active and len(run.seen.classes):  # a picture a second would be gone before it is fetched
                    _batch(sheet, run.seen)
        if stage(run) != drawn or present(wanted) is not run:
            st.rerun()

    live()


def stage(run: Run) -> tuple[bool, bool, bool]:
    """What the rest of the page depends on."""
    return run.active, run.seen is not None and len(run.seen.losses) > 0, told(run.seen)


def told(seen: Seen | None) -> bool:
    """Whether a training has come far enough."""
    return seen is not None and seen.samples >= ENOUGH


def _buttons(run: Run, wanted: Settings) -> None:
    begun = run.seen is not None
    with st.container(horizontal=True, vertical_alignment="center"):
        if run.active:
            st.button("Pause", on_click=_pause, args=(run,), key="training.pause", icon=":material/pause:")
        else:
            words = "Go on" if begun else "Start"
            st.button(words, on_click=run.go, key="training.go", icon=":material/play_arrow:", disabled=run.complete)
        one = partial(_step, run)
        stopped = run.active or run.complete
        st.button("One step", on_click=one, key="training.step", icon=":material/skip_next:", disabled=stopped)
        st.button("Start anew", on_click=anew, args=(wanted,), key="training.anew", icon=":material/restart_alt:")
        st.markdown(_state(run))
    if begun and wanted != run.settings:
        st.caption("The knobs are set differently from this training: they hold once you start anew.")


def _pause(run: Run) -> None:
    run.pause()
    run.wait(1.0)  # its last step, so that what is drawn next is what it came to


def _step(run: Run) -> None:
    run.go(steps=1)
    run.wait(1.0)  # the first one may take longer: the pictures are drawn


def _state(run: Run) -> str:
    """Where the training stands, in a few words."""
    if run.active and run.ahead:
        return f"Waiting: {run.ahead} before you. At most two train on this machine at a time."
    if run.active and run.seen is None:
        return "Drawing the pictures, once for all readers: a few seconds."
    if run.seen is None:
        return "Random weights; nothing is learnt yet."
    done = len(run.seen.losses)
    steps = f"{done:,} step{'' if done == 1 else 's'}, {run.seen.samples:,} samples"
    if run.active:
        return f"Training: {steps}."
    ends = {"left": "It stopped when you left the page:", "complete": "Complete:"}
    return f"{ends.get(run.ended, 'Paused:')} {steps}."


def _show(sheet: Sheet, seen: Seen) -> None:
    look = seen.looks[-1]
    rate = Rate(round(look.accuracy * seen.held_out), seen.held_out)
    sheet.say(
        f"After **{seen.samples:,}** of {MOST:,} samples: held-out accuracy **{rate.words}**, of {len(seen.captions)} "
        f"captions, where a guess has {1 / len(seen.captions):.1%}."
        + (f" Loss of the last batch: **{seen.losses[-1]:.2f}**." if len(seen.losses) else "")
    )
    left, right = st.columns(2)
    with left:
        _matrix(sheet, seen)
    with right:
        _curves(sheet, seen)


def _matrix(sheet: Sheet, seen: Seen) -> None:
    grounds = theme.DIVERGING["dark" if st.context.theme.type == "dark" else "light"]
    n, own = len(seen.matrix), float(np.diag(seen.matrix).mean())
    others = (float(seen.matrix.sum()) - n * own) / (n * (n - 1))
    alt = (
        f"Cosines of {n} captions with held-out pictures of each, after {seen.samples:,} samples: in "
        f"{seen.diagonal:.0%} of the rows the diagonal is largest; mean on it {own:.2f}, beside it {others:.2f}."
    )
    sheet.figure(plots.matrix(seen.matrix, seen.captions, grounds), "matrix", alt)
    each = seen.held_out // n
    sheet.note(
        f"Always the same {seen.held_out} held-out pictures, {each} of each caption; a cell is the mean of {each} "
        f"cosines. In **{seen.diagonal:.0%}** of the rows the diagonal is largest."
    )


def _curves(sheet: Sheet, seen: Seen) -> None:
    other = before()
    runs = [seen] + ([other] if other is not None else [])
    start, first, now = loss_at_start(seen.settings), seen.looks[0], seen.looks[-1]
    formula = (
        f"ln {seen.settings.batch} = {start:.2f}" if seen.settings.loss == "InfoNCE" else f"cosines 0: {start:.2f}"
    )
    recent = smooth(seen.losses, seen.settings.batch)[1]
    words = f"loss {seen.losses[0]:.2f} at first, {recent[-1]:.2f} at last, " if len(recent) else ""
    alt = (
        f"Curves over {seen.samples:,} samples of {name(seen.settings)}: {words}held-out accuracy {first.accuracy:.0%} "
        f"to {now.accuracy:.0%}, temperature {1 / first.scale:.3f} to {1 / now.scale:.3f}, modality gap "
        f"{first.gap:.2f} to {now.gap:.2f}."
    )
    figure = plots.curves([curve(one) for one in runs], start, formula, 1 / len(seen.captions))
    sheet.figure(figure, "curves", alt)
    sheet.note(
        "All over samples seen, not over steps: a step of a larger batch has seen more. The dashed line is the loss "
        "of a model to which all pairs look alike."
    )
    if other is not None and other.settings.loss != seen.settings.loss:
        sheet.note("The two losses are different measures: compare the accuracy, not the loss.")


def curve(seen: Seen) -> plots.Curves:
    """A training as its figure takes it."""
    at, loss = smooth(seen.losses, seen.settings.batch)
    return plots.Curves(
        name=name(seen.settings),
        loss_at=at,
        loss=loss,
        at=np.array([look.samples for look in seen.looks]),
        accuracy=np.array([look.accuracy for look in seen.looks]),
        gap=np.array([look.gap for look in seen.looks]),
        temperature=np.array([1 / look.scale for look in seen.looks]),
    )


def name(settings: Settings) -> str:
    """A training by its knobs."""
    bias = f", b {settings.bias:.3g}" if settings.loss == "sigmoid" else ""
    return f"{settings.loss}, N {settings.batch}, rate {settings.rate:g}, seed {settings.seed}{bias}"


def _batch(sheet: Sheet, seen: Seen) -> None:
    """Some pairs of the last batch, and the numbers that the text encoder reads of their captions."""
    from sharedspace.pocket import toy

    captions = [seen.captions[place] for place in seen.classes[:PAIRS]]
    numbers = toy.tokens(captions).tolist()
    listed = ", ".join(f"{caption} {row}" for caption, row in zip(captions, numbers, strict=True))
    sheet.picture(toy.strip(seen.pictures[:PAIRS]), f"Drawings of {', '.join(captions)}", width=PAIRS * 99)
    sheet.note(
        f"{len(captions)} of the {len(seen.classes)} pairs of the last batch, captions with their tokens: {listed}."
    )
