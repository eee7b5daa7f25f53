"""Adding pictures: what is given goes to disk, a job in the background takes it from there."""

from __future__ import annotations

import csv
import io
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from sharedspace.answers import cell
from sharedspace.encoders import MODELS
from sharedspace.errors import BadInput
from sharedspace.ingest import Source
from sharedspace.jobs import Job
from sharedspace.records import IngestResult, Progress, Rejected
from sharedspace.ui import cache, frame, state
from sharedspace.ui.text import plain, short
from sharedspace.workspace import SAMPLE, Collection

UPLOAD, FOLDER = "upload", "folder on the server"
OTHER_MODEL = "another CLIP…"
SHOWN = 20  # refused files that are listed


def form(collection: Collection | None) -> None:
    """Choose pictures, a collection and a model; the sample set in one click."""
    where, what = st.columns(2)
    name = where.text_input("Into the collection", _suggested(collection), key="add.name", max_chars=80)
    known = {info.name: info.space.model for info in cache.workspace().collections()}
    if name in known:
        model = known[name]
        what.text_input("Model", model, disabled=True, key=f"add.model.{name}", help="A collection keeps its model.")
    else:
        model = what.selectbox("Model", [*(info.name for info in MODELS), OTHER_MODEL], key="add.model")
        if model == OTHER_MODEL:
            model = what.text_input(
                "Name on the Hugging Face hub, or a folder on the server's machine", key="add.other"
            )
        _about(model)
    source = st.segmented_control("Pictures", [UPLOAD, FOLDER], default=UPLOAD, required=True, key="add.source")
    files: list[Any] = []
    folder = ""
    if source == UPLOAD:
        files = st.file_uploader(
            "Pictures, or a zip of them", accept_multiple_files=True, key=f"add.files.{state.get().uploads}"
        )
    else:
        folder = st.text_input(
            "Folder on the server's machine, with all folders in it", key="add.folder", placeholder="/home/me/pictures"
        )
    st.caption(
        "A table `labels.csv` beside the pictures, in the folder or the zip, with a column `file` and any others, "
        "becomes their metadata: to colour, filter, and check answers by."
    )
    ready = bool(files) or bool(folder.strip())
    add, sample = st.columns([1, 3])
    if add.button("Add", type="primary", disabled=not (ready and name.strip() and model.strip()), width="stretch"):
        if files:
            _submit_uploads(name.strip(), model.strip(), files)
        else:
            _submit_folder(name.strip(), model.strip(), folder.strip())
    if SAMPLE not in known:
        sample.button("Take the sample set", on_click=frame.take_sample, icon=":material/auto_awesome:")


def _suggested(collection: Collection | None) -> str:
    return "my pictures" if collection is None or collection.info.name == SAMPLE else collection.info.name


def _about(model: str) -> None:
    note = next((info.note for info in MODELS if info.name == model), "")
    if model == "pocket":
        st.caption("**Photographs?** Take clip-ViT-B-32 (0.6 GB, fetched once): pocket knows only its own drawings.")
    elif note:
        st.caption(f"{plain(model)}: {note}.")


def _submit_uploads(name: str, model: str, files: Sequence[Any]) -> None:
    """Uploads become files of ours, whose originals are kept; their names stay words."""
    folder = cache.workspace().home.incoming()
    sources = []
    for number, file in enumerate(files):
        path = folder / str(number)
        file.seek(0)
        with path.open("wb") as opened:
            shutil.copyfileobj(file, opened)
        sources.append(Source(path, file.name))
    state.update(uploads=state.get().uploads + 1)
    _submit(name, model, sources, keep=True, at_end=lambda: shutil.rmtree(folder, ignore_errors=True))


def _submit_folder(name: str, model: str, folder: str) -> None:
    path = Path(os.path.expanduser(folder))  # unlike Path's it leaves an unknown ~user
    if not path.is_dir():
        raise BadInput(f"{folder}: there is no such folder on the server's machine.")
    _submit(name, model, [Source(path, folder)], keep=False, at_end=lambda: None)


def _submit(name: str, model: str, sources: list[Source], keep: bool, at_end: Callable[[], None]) -> None:
    workspace = cache.workspace()

    def work(job: Job) -> IngestResult:
        job.report(Progress(0, None, "loading the model"))
        result = workspace.ingest(name, sources, model, keep=keep, on_progress=job.report, cancelled=job.cancelled)
        if result.added:
            job.report(Progress(0, None, "drawing the map"))
            workspace.collection(name).map()
        return result

    cache.jobs().submit(f"Adding to {name}", name, work, at_end)
    state.update(follow=name)
    st.rerun()


def last_results(collection: Collection | None) -> None:
    """What became of the last batch of this collection: counts, and each refused file with its reason."""
    finished = [job for job in cache.jobs().all() if not job.active and _concerns(job, collection)]
    if not finished:
        return
    job = finished[-1]
    if job.state == "failed":
        st.error(f"{plain(job.title)}: {plain(job.error)}", icon=":material/error:")
    elif isinstance(job.result, IngestResult):
        _told(job, job.result)


def _concerns(job: Job, collection: Collection | None) -> bool:
    """Whether a job's end is news on this page: it is of the collection, or none came of it."""
    if collection is not None and job.collection == collection.info.name:
        return True
    return job.state == "failed" and all(info.name != job.collection for info in cache.workspace().collections())


def _told(job: Job, result: IngestResult) -> None:
    end = " Cancelled: what was done is kept, adding the same again completes it." if result.cancelled else ""
    st.success(
        f"{plain(job.title)}: {result.added:,} added, {result.already_there:,} already there, "
        f"{len(result.rejected):,} refused, in {result.seconds:.1f} s.{end}",
        icon=":material/check_circle:",
    )
    if result.rejected:
        _refused(result.rejected)


def _refused(rejected: Sequence[Rejected]) -> None:
    with st.expander(f"{len(rejected):,} refused, and why", expanded=True):
        st.markdown("\n".join(f"- **{plain(short(one.item))}**: {plain(one.reason)}" for one in rejected[:SHOWN]))
        if len(rejected) > SHOWN:
            st.caption(f"The first {SHOWN} are shown; the download holds all.")
        table = io.StringIO()
        csv.writer(table).writerows([("file", "reason"), *((cell(one.item), one.reason) for one in rejected)])
        st.download_button("Download as CSV", table.getvalue(), "refused.csv", "text/csv", icon=":material/download:")


def manage(collection: Collection) -> None:
    """Rename or delete, the latter after a second thought."""
    name = collection.info.name
    if any(job.collection == name for job in cache.jobs().active()):
        st.info("Pictures are being added to it just now: wait for that, or cancel it.")
        return
    new = st.text_input("New name", name, key=f"rename-{collection.info.number}", max_chars=80)
    st.button("Rename", on_click=_rename, args=(name, new), disabled=new == name or not new.strip())
    sure = st.checkbox(
        f"Delete {plain(name)} with its {collection.info.images:,} images here; the files they came from stay",
        key=f"sure-{collection.info.number}",
    )
    st.button("Delete", on_click=cache.workspace().delete, args=(name,), disabled=not sure)


def _rename(name: str, new: str) -> None:
    cache.workspace().rename(name, new.strip())
    state.open_collection(new.strip())
