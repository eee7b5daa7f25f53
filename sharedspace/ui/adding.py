"""Adding pictures: what is given goes to disk, a job in the background takes it from there."""

from __future__ import annotations

import csv
import io
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from typing import Any

import streamlit as st

from sharedspace import images
from sharedspace.answers import cell
from sharedspace.collection import Collection
from sharedspace.encoders import MODELS
from sharedspace.encoders.own import OWN
from sharedspace.errors import BadInput, NotFound
from sharedspace.ingest import TABLES, Source, read_table_file, source
from sharedspace.jobs import Job, Jobs
from sharedspace.records import IngestResult, Meta, Progress, Rejected
from sharedspace.ui import cache, frame, running, state, uploads
from sharedspace.ui.text import plain, short
from sharedspace.workspace import SAMPLE, Workspace

UPLOAD, SERVER = "upload", "on the server's machine"
PLACES = [UPLOAD, SERVER]
OTHER_MODEL, OWN_VECTORS = "another CLIP…", "none: the file holds vectors"
LISTS = (".csv", ".tsv", ".jsonl")  # tables that hold words and no pictures
SHOWN = 20  # refused files that are listed
PRECISION = (
    "It computes in bfloat16 where that is measured to be faster on this machine, which the result names; "
    "SHAREDSPACE_PRECISION=float32 forces the other."
)


def form(collection: Collection | None) -> None:
    """Choose pictures, a collection and a model; the sample set in one click."""
    where, what = st.columns(2)
    name = where.text_input("Into the collection", _suggested(collection), key="add.name", max_chars=80).strip()
    known = {info.name: info.space.model for info in cache.workspace().collections()}
    with what:
        model = _model(name, known)
    place = st.segmented_control("Pictures", PLACES, default=UPLOAD, required=True, key="add.source")
    files: list[Any] = []
    path = ""
    if place == UPLOAD:
        files = st.file_uploader(
            "Pictures; a zip or tar of them; a table of pictures or vectors (csv, jsonl, parquet, npz)",
            accept_multiple_files=True,
            key=state.form_key("add.files"),
        )
    else:
        path = st.text_input(
            "A folder or a file on the server's machine, or `hf:` and the name of a dataset",
            key="add.folder",
            placeholder="/home/me/pictures",
            help="Files: pictures, zip, tar, csv, jsonl, parquet, npz. `hf:OWNER/NAME` is fetched from the Hugging "
            "Face hub, with `:SPLIT` behind it only a part.",
        ).strip()
    st.caption(
        "Metadata, to colour, filter and check answers by, comes from a table beside the pictures "
        f"({', '.join(f'`{table}`' for table in TABLES)}; its column `file_name` or `file` names them), from the "
        "other columns of a table of pictures, or from class folders, which become `label`."
    )
    add, sample = st.columns([1, 3])
    if add.button("Add", type="primary", disabled=not ((files or path) and name and model), width="stretch"):
        with frame.errors(stop=False):
            _submit_uploads(name, model, files) if files else _submit_path(name, model, path)
    if SAMPLE not in known:
        sample.button("Take the sample set", on_click=frame.take_sample, icon=":material/auto_awesome:")


def _suggested(collection: Collection | None) -> str:
    return "my pictures" if collection is None or collection.info.name == SAMPLE else collection.info.name


def _model(name: str, known: dict[str, str]) -> str:
    """The model to embed with: that of the collection, or a choice."""
    if name in known:
        st.text_input(
            "Model", known[name], disabled=True, key=f"add.model.{name}", help="A collection keeps its model."
        )
        return known[name]
    choices = [*(info.name for info in MODELS), OTHER_MODEL, OWN_VECTORS]
    model = st.selectbox("Model", choices, key="add.model", help=PRECISION)
    if model == OWN_VECTORS:
        st.caption("Vectors in an npz or parquet: a space of its own, to map, group and compare; no texts reach it.")
        return f"{OWN}{name}"
    if model == OTHER_MODEL:
        model = st.text_input("Name on the Hugging Face hub, or a folder on the server's machine", key="add.other")
    note = next((info.note for info in MODELS if info.name == model), "")
    if model == "pocket":
        st.caption("**Photographs?** Take clip-ViT-B-32 (0.6 GB, fetched once): pocket knows only its own drawings.")
    elif note:
        st.caption(f"{plain(model)}: {note}.")
    return model.strip()


def _submit_uploads(name: str, model: str, files: Sequence[Any]) -> None:
    """Uploads become files of ours, whose originals are kept; their names stay words."""
    folder = cache.workspace().home.incoming()
    try:
        paths = uploads.on_disk(files, folder)
        given = [Source(path, file.name, reach=folder) for path, file in zip(paths, files, strict=True)]
        sources, table = _sorted(given)
    except BaseException:  # the files stay in the form
        shutil.rmtree(folder, ignore_errors=True)
        raise
    uploads.take(files)

    def clear() -> None:
        for one in {folder, *(path.parent for path in paths)}:
            shutil.rmtree(one, ignore_errors=True)

    _submit(name, model, sources, table, keep=True, at_end=clear)


def _sorted(given: Sequence[Source]) -> tuple[list[Source], dict[str, Meta] | None]:
    """Sources, and what tables among the uploads say of the pictures among them; raises BadInput, Unreadable."""
    ends = {one.name: PurePosixPath(one.name).suffix.lower() for one in given}
    pictures = any(end in images.SUFFIXES for end in ends.values())
    tables = [one for one in given if ends[one.name] in LISTS or (pictures and one.name.lower() in TABLES)]
    if not tables:
        return list(given), None
    if len(tables) == len(given):
        raise BadInput(
            f"{tables[0].name}: this table only names pictures. Upload them with it, or give its path on the server's "
            "machine, where they lie."
        )
    table: dict[str, Meta] = {}
    for one in tables:
        table.update(read_table_file(one.path, one.name))
    return [one for one in given if one not in tables], table


def _submit_path(name: str, model: str, path: str) -> None:
    found = source(path if path.startswith("hf:") else os.path.expanduser(path))  # Path's fails at an unknown ~user
    _submit(name, model, [found], None, keep=False, at_end=lambda: None)


def _submit(
    name: str,
    model: str,
    sources: list[Source],
    table: dict[str, Meta] | None,
    keep: bool,
    at_end: Callable[[], None],
) -> None:
    workspace, jobs = cache.workspace(), cache.jobs()

    def work(job: Job) -> IngestResult:
        job.report(Progress(0, None, "loading the model"))
        try:
            result = workspace.ingest(name, sources, model, table, keep, job.report, job.cancelled)
        except NotFound as error:
            if any(info.name == name for info in workspace.collections()):
                raise
            raise BadInput(f"{name} was deleted while pictures were added to it.") from error
        if result.added and not job.cancelled():
            _draw(jobs, workspace, name)
        return result

    jobs.submit(f"Adding to {name}", name, work, at_end, lane="adding")
    state.handed_over()
    state.update(follow=name)
    st.rerun()


def _draw(jobs: Jobs, workspace: Workspace, name: str) -> None:
    """Have the map drawn, as work of its own: whatever becomes of that, what was added is told."""
    try:
        running.draw(jobs, workspace.collection(name))
    except NotFound:  # renamed or deleted meanwhile: whoever looks at its map has it drawn
        return


def ingested(job: Job, result: IngestResult) -> None:
    """What became of a batch: counts, and each refused file with its reason."""
    st.success(running.end(job), icon=":material/check_circle:")
    if result.rejected:
        _refused(job, result.rejected)


def _refused(job: Job, rejected: Sequence[Rejected]) -> None:
    with st.expander(f"{len(rejected):,} refused, and why", expanded=True):
        st.markdown("\n".join(f"- **{plain(short(one.item))}**: {plain(one.reason)}" for one in rejected[:SHOWN]))
        if len(rejected) > SHOWN:
            st.caption(f"The first {SHOWN} are shown; the download holds all.")
        table = io.StringIO()
        csv.writer(table).writerows([("file", "reason"), *((cell(one.item), one.reason) for one in rejected)])
        st.download_button(
            "Download as CSV",
            table.getvalue(),
            "refused.csv",
            "text/csv",
            icon=":material/download:",
            key=f"refused-{job.id}",
        )
