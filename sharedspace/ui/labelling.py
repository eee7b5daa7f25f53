"""What is asked on the zero-shot bench: labels, prompt templates, how they compete, and the known answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from sharedspace import zeroshot
from sharedspace.collection import Collection
from sharedspace.errors import BadInput
from sharedspace.filters import Condition
from sharedspace.records import Mode
from sharedspace.ui import filtering, state
from sharedspace.ui.live import component as live
from sharedspace.ui.state import Undo
from sharedspace.ui.telling import errors, guarded
from sharedspace.ui.text import plain
from sharedspace.zeroshot import Label

NO_TRUTH = "(none)"
OWN = "my own"
ENSEMBLES = {OWN: (), "7": zeroshot.TEMPLATES_7, "80": zeroshot.TEMPLATES_80}
MODES: dict[str, Mode] = {"one of them": "one", "each by itself": "many"}
MOST_SUGGESTED = 200  # distinct values of a field that make a label set
USES = "uses"  # the widget that says what of the clicks is used
BYTES = 200_000  # of a file with labels


@dataclass(frozen=True)
class Asked:
    """A label set, and how it is put to the model."""

    labels: tuple[Label, ...]
    templates: tuple[str, ...]
    mode: Mode
    other: bool  # whether "none of these" is an answer too
    temperature: float
    truth: str | None  # the metadata field with the right answers
    where: tuple[Condition, ...] = ()  # the filters that hold on all pages
    within: frozenset[str] | None = None

    @property
    def enough(self) -> bool:
        """Whether there is something to choose between."""
        return len(self.labels) >= (1 if self.mode == "many" or self.other else 2)

    @property
    def prompts(self) -> list[str]:
        """What the model reads, each once."""
        own = [text for label in self.labels for text in zeroshot.prompts(label, self.templates)]
        return list(dict.fromkeys(own))


def present() -> Asked:
    """What is asked now, by the widgets of the bench, drawn or not; raises BadInput for labels that cannot be read."""
    labels = zeroshot.parse(str(state.value("labels", "") or ""))
    templates = ENSEMBLES.get(str(state.value("ensemble", OWN) or OWN)) or _lines(state.value("template"))
    mode = MODES.get(str(state.value("compete", "")), "one")
    truth = state.value("truth")
    return Asked(
        labels=labels,
        templates=templates,
        mode=mode,
        other=mode == "one" and bool(state.value("none", False)),
        temperature=float(state.value("temperature", 1.0) or 1.0),
        truth=None if truth in (None, NO_TRUTH) else str(truth),
        where=filtering.conditions(),
        within=state.get().within,
    )


def uses() -> tuple[str, ...]:
    """What of a person's clicks goes into the answers."""
    return tuple(sorted(state.value(USES) or ()))


def joined(labels: Sequence[str]) -> str | None:
    """The labels of an image as one value; None where it has none."""
    return " · ".join(labels) or None


def _lines(text: object) -> tuple[str, ...]:
    found = [line.strip() for line in str(text or zeroshot.TEMPLATE).split("\n")]
    return tuple(dict.fromkeys(line for line in found if line)) or (zeroshot.TEMPLATE,)


def editor(collection: Collection) -> Asked:
    """The label set with all that belongs to it; its results are live, so it stands in a fragment."""
    words, against, how = st.columns([5, 4, 4], gap="medium")
    with words:
        live.text_area(
            "Labels: one a line, or with commas between",
            key="labels",
            placeholder="cat\ndog\nboat: a photo of a ship, a sailing boat at sea",
            height=180,
            help="After a colon stand prompts of your own, with commas between: they are put to the model as they are.",
            bind=True,
        )
        if len(str(state.value("labels", ""))) > live.MOST_IN_ADDRESS:
            st.caption("These are too many for the address: a reload loses them unless they are saved as a set.")
        _sets(collection)
    with against:
        _answers(collection)
        _competition()
    with how:
        _templates()
        _temperature()
    return present()


def _answers(collection: Collection) -> None:
    fields = collection.fields()
    if state.value("truth") not in (None, NO_TRUTH, *fields):
        state.set_value("truth", NO_TRUTH)  # of another collection
    truth = st.selectbox(
        "Known answers: a metadata field",
        [NO_TRUTH, *fields],
        key="truth",
        bind="query-params",
        persist_state="session",
        help="With them the bench tells how often the labels are right",
    )
    values = [] if truth == NO_TRUTH else _values(collection, str(truth))
    with st.container(horizontal=True, gap="small"):
        if 2 <= len(values) <= MOST_SUGGESTED:
            text = zeroshot.write([Label(value) for value in values])
            st.button(
                f"Take its {len(values)} values as labels",
                on_click=state.set_labels,
                args=(text,),
                icon=":material/label:",
            )
        with st.popover("From a CSV", icon=":material/table:", width="content"):
            _table(collection)


def _values(collection: Collection, field: str) -> list[str]:
    return sorted({" ".join(str(value).split()) for value in collection.column(field) if value is not None})


def _table(collection: Collection) -> None:
    file = st.file_uploader(
        "A table with a column **file**, **path** or **id** that names the image", type=["csv", "tsv"], key="truth.file"
    )
    st.caption("Its other columns become metadata of these images: answers, filters, colours.")
    if file is not None and st.button("Take it", icon=":material/add:", key="truth.take"):
        with errors(stop=False):
            now = collection.now
            given = now.give_table(file.getvalue(), file.name)
            for name, before in given.before.items():
                after = dict(zip(now.snapshot().ids, now.column(name), strict=True))
                left = {id: after.get(id) for id in before}
                state.did(Undo(f"took {name} from {file.name}", "give", tuple(before), name, before, left))
            fields = ", ".join(plain(field) for field in given.fields)
            st.success(f"{fields}: given to {given.images:,} images. Choose it above as the known answers.")
            if given.left_out:
                names = list(given.left_out)
                st.warning(
                    f"Left out, since files brought them or no field can be so called: {', '.join(map(plain, names))}."
                )
            if given.unmatched:
                names = list(dict.fromkeys(one.item for one in given.unmatched))
                shown = ", ".join(map(plain, names[:5]))
                st.warning(f"{len(names):,} names fit no image of this collection, or several, such as {shown}.")


def _templates() -> None:
    chosen = st.segmented_control(
        "Prompt templates",
        list(ENSEMBLES),
        default=OWN,
        required=True,
        key="ensemble",
        bind="query-params",
        persist_state="session",
        help="Several are an ensemble: the mean of their unit vectors. 7 and 80 are the sets of the CLIP paper.",
    )
    if chosen == OWN:
        st.text_area(
            "One template a line, {} is the label",
            zeroshot.TEMPLATE,
            height=68,
            key="template",
            bind="query-params",
            persist_state="session",
        )
    else:
        templates = ENSEMBLES[str(chosen)]
        with st.expander(f"The {len(templates)} templates", on_change="rerun", key="ensemble.shown") as shown:
            if shown.open:
                st.button("Edit them as my own", icon=":material/edit:", on_click=_edit, args=(templates,))
                st.code("\n".join(templates), language=None, wrap_lines=True, height=180)


def _edit(templates: Sequence[str]) -> None:
    state.set_value("template", "\n".join(templates))
    state.set_value("ensemble", OWN)


def _competition() -> None:
    compete = st.segmented_control(
        "A picture is",
        list(MODES),
        default=next(iter(MODES)),
        required=True,
        key="compete",
        bind="query-params",
        persist_state="session",
        help="One of the labels (softmax over them), or any number of them, each with its own threshold (sigmoid)",
    )
    st.toggle(
        "or none of these",
        key="none",
        bind="query-params",
        disabled=MODES[str(compete)] == "many",
        persist_state="session",
        help="A bank of neutral captions is one more class: it wins where they fit better than every label",
    )


def _temperature() -> None:
    st.slider(
        "Temperature; 1 is the model's own scale",
        0.1,
        5.0,
        1.0,
        0.1,
        key="temperature",
        bind="query-params",
        persist_state="session",
        help="Under 1 probabilities are sharper, over 1 flatter; the best label stays the same",
    )


# ---- label sets that are kept, and files ------------------------------------------------------------


def _sets(collection: Collection) -> None:
    saved = collection.saved("labels")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.popover("Saved sets", icon=":material/bookmarks:"):
            _save_set(collection)
            for place, name in enumerate(saved):
                with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                    st.button(
                        plain(name), key=f"set.open.{place}", on_click=_open, args=(collection, name), width="stretch"
                    )
                    st.button(
                        "",
                        key=f"set.forget.{place}",
                        icon=":material/delete:",
                        help="Forget this set",
                        type="tertiary",
                        on_click=forget,
                        args=(collection, "labels", name),
                    )
            if not saved:
                st.caption("A set is kept with its templates, in this collection.")
        with st.popover("Filter", icon=":material/filter_alt:", key="bench.filter", on_change="rerun"):
            filtering.form(collection)
        with st.popover("From a file", icon=":material/upload_file:"):
            file = st.file_uploader("Labels, one a line", type=["txt", "csv"], key="labels.file")
            if file is not None:
                st.button("Take them", icon=":material/add:", on_click=_from_file, args=(file.getvalue(),))
        text = str(state.value("labels", "") or "")
        st.download_button(
            "As a file",
            text,
            "labels.txt",
            icon=":material/download:",
            type="tertiary",
            on_click="ignore",
            disabled=not text,
        )


@guarded
def _from_file(data: bytes) -> None:
    if len(data) > BYTES:
        raise BadInput(f"The file has {len(data):,} bytes: a label set has at most {BYTES:,}.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput("The file is no text in UTF-8: save it as such and give it again.") from error
    zeroshot.parse(text)
    state.set_labels("\n".join(line.rstrip() for line in text.splitlines()))


def _save_set(collection: Collection) -> None:
    with st.form("set.save", border=False, clear_on_submit=True):
        name = st.text_input("Save these labels and templates as", key="set.name", max_chars=80, placeholder="animals")
        if st.form_submit_button("Save the set", icon=":material/bookmark_add:") and name.strip():
            with errors(stop=False):
                asked = present()
                collection.save_labels(name, asked.labels, asked.templates)
                st.rerun()


@guarded
def forget(collection: Collection, kind: Literal["labels", "classifier"], name: str) -> None:
    """Let go of a saved label set or classifier; it can be undone."""
    body = collection.saved(kind)[name]
    collection.forget(kind, name)
    words = "set" if kind == "labels" else "classifier"
    state.did(Undo(f"forgot the {words} {name}", "save", (name,), kind, body))


@guarded
def _open(collection: Collection, name: str) -> None:
    labels, templates = collection.saved_labels(name)
    state.set_labels(zeroshot.write(labels))
    known = [key for key, value in ENSEMBLES.items() if value == templates]
    state.set_value("ensemble", known[0] if known else OWN)
    if not known:
        state.set_value("template", "\n".join(templates))
