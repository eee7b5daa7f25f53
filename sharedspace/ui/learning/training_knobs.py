"""The knobs of a training, and the training of this session."""

from __future__ import annotations

from typing import Any

import streamlit as st

from sharedspace.lessons.training import EVERY, PAPER_BIAS, Seen, Settings, balanced_bias
from sharedspace.ui import state
from sharedspace.ui.learning.training_run import Line, Run

BATCHES = (8, 16, 32, 64)
RATES = (0.0005, 0.001, 0.002, 0.004, 0.008)
LOSSES = ("InfoNCE", "sigmoid")
BIASES = ("-10, as in the paper", "-ln(N - 1), one match in N")
PACES = {"slow": 100.0, "normal": 800.0, "fast": None}  # samples a second
RUN, BEFORE = "training.run", "training.before"
_BOUND: dict[str, Any] = {"bind": "query-params", "persist_state": "session"}


@st.cache_resource(show_spinner=False)
def line() -> Line:
    """Who trains on this machine, and who waits."""
    return Line()


def knobs() -> Settings:
    """Draw the knobs and give what they are set to; they hold for the next training."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        batch = st.segmented_control(
            "Batch size N", BATCHES, default=32, required=True, key="training.batch", **_BOUND, help=_ABOUT_BATCH
        )
        loss = st.segmented_control(
            "Loss", LOSSES, default=LOSSES[0], required=True, key="training.loss", **_BOUND, help=_ABOUT_LOSS
        )
        rate = st.selectbox("Learning rate", RATES, index=2, key="training.rate", width=130, **_BOUND)
        seed = st.number_input("Seed", 0, 999, 0, key="training.seed", width=130, **_BOUND, help=_ABOUT_SEED)
        pace = st.segmented_control(
            "Pace", list(PACES), default="normal", required=True, key="training.pace", help=_ABOUT_PACE
        )
    bias = BIASES[0]
    if loss == "sigmoid":
        bias = st.radio("Bias at the start", BIASES, horizontal=True, key="training.bias", help=_ABOUT_BIAS)
    found: Run | None = state.value(RUN)
    if found is not None:
        found.pace = PACES[str(pace)]
    began = PAPER_BIAS if bias == BIASES[0] else balanced_bias(int(batch or 32))
    return Settings(int(batch or 32), float(rate), "sigmoid" if loss == "sigmoid" else "InfoNCE", int(seed), began)


_ABOUT_BATCH = "Pictures, and captions, that are compared with each other in one step. Of 64, each caption comes twice."
_ABOUT_LOSS = (
    "InfoNCE is CLIP's: which of the N captions is it? The sigmoid is SigLIP's: does this pair match, yes or no?"
)
_ABOUT_SEED = "Fixes the first weights and the order of the pictures: the same seed gives the same curve."
_ABOUT_PACE = (
    "At most 100 or 800 pictures a second, or as many as this machine can. It changes nothing of what is learnt."
)
_ABOUT_BIAS = (
    "The paper begins with t' = log 10 and b = -10: each pair is first taken for a match with probability "
    "1/22,027, which suits its batches of 32,768. In a batch of N, one pair in N matches."
)


def present(wanted: Settings) -> Run:
    """This session's training; a new one where none has begun under other settings."""
    found: Run | None = state.value(RUN)
    if found is None or (found.seen is None and not found.active and found.settings != wanted):
        found = _new(wanted)
    return found


def anew(wanted: Settings) -> None:
    """End the training and begin another with new weights; what was learnt is kept to compare. Only in a callback."""
    old: Run | None = state.value(RUN)
    if old is not None:
        old.pause()
        if old.seen is not None and old.seen.samples >= EVERY:
            state.set_value(BEFORE, old.seen)
    _new(wanted)


def _new(wanted: Settings) -> Run:
    made = Run(wanted, line(), PACES[str(state.value("training.pace") or "normal")])
    state.set_value(RUN, made)
    return made


def before() -> Seen | None:
    """The training before this one."""
    found: Seen | None = state.value(BEFORE)
    return found
