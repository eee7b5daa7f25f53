"""What is done with whole collections: told ends of it, check, export, import, copy, rename, delete."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from sharedspace.collection import Collection
from sharedspace.errors import BadInput
from sharedspace.jobs import Job
from sharedspace.ledger import CollectionInfo
from sharedspace.records import Exported, Imported, IngestResult, Verified
from sharedspace.ui import adding, cache, frame, running, state, uploads
from sharedspace.ui.routes import address
from sharedspace.ui.text import plain, size

FORMATS = {
    "zip: all of it, to import elsewhere": ".zip",
    "parquet: a table with the vectors": ".parquet",
    "npz: vectors and metadata for numpy": ".npz",
    "csv: a table without vectors": ".csv",
}
EARLIER = 10  # ends of work that stay findable


def ends(collection: Collection | None) -> set[str]:
    """What became of the work on this collection, in full, until it is put away; the ids of the jobs."""
    if collection is None:
        return set()
    name, away = collection.info.name, state.get().away
    mine = [job for job in cache.jobs().all() if job.collection == name and running.end(job) is not None]
    newest = {type(job.result): job for job in mine}  # of each kind of work
    shown = [job for job in newest.values() if job.id not in away]
    for job in shown:
        with st.container(horizontal=True, vertical_alignment="top", wrap=False):
            with st.container(width="stretch"):
                _in_full(job)
            running.away_button(f"close-{job.id}", _close, job)
        running.tell(job)
    return {job.id for job in shown}


def _in_full(job: Job) -> None:
    result = job.result
    if job.state == "failed":
        st.error(running.end(job), icon=":material/error:")
    elif isinstance(result, IngestResult):
        adding.ingested(job, result)
    elif isinstance(result, Exported):
        _download(job, result)
    elif isinstance(result, Verified) and (result.mended or result.problems):
        show = st.warning if result.problems else st.success
        lines = [*(f"mended: {one}" for one in result.mended), *(f"not mended: {one}" for one in result.problems)]
        show(f"{running.end(job)}\n" + "\n".join(f"- {plain(line)}" for line in lines))
    else:
        st.success(running.end(job), icon=":material/check_circle:")


def _download(job: Job, result: Exported) -> None:
    path = Path(result.out)
    if not path.is_file():
        st.info(f"{plain(path.name)} was deleted.")
        return
    st.link_button(
        f"Download {plain(path.name)} ({size(result.bytes)})",
        address(f"/exports/{job.id}"),
        type="primary",
        icon=":material/download:",
    )
    st.caption("It lies on the server until you put it away, or the app ends.")


def _close(job: Job) -> None:
    running.put_away(job)
    if isinstance(job.result, Exported):
        shutil.rmtree(Path(job.result.out).parent, ignore_errors=True)


def earlier(shown: set[str]) -> None:
    """The last ends of work on any collection, also those that were put away, but for those that are `shown`."""
    done = [job for job in cache.jobs().all() if running.end(job) is not None and job.id not in shown]
    if done:
        with st.expander("What was done lately", icon=":material/history:"):
            for job in reversed(done[-EARLIER:]):
                st.caption(running.end(job))


def manage(collection: Collection) -> None:
    """Export, copy, check, rename, delete; the last after a second thought."""
    info = collection.info
    if any(job.collection == info.name for job in cache.jobs().active()):
        st.info("Something is being done with it just now: wait for that, or cancel it.")
        return
    _removed(collection)
    export, copy, check, rename, delete = st.tabs(["Export", "Copy", "Check", "Rename", "Delete"])
    with export:
        _export(info)
    with copy:
        new = st.text_input("Name of the copy", f"{info.name} copy", key=f"copy-{info.number}", max_chars=80).strip()
        st.button("Copy", on_click=_copy, args=(info.name, new), disabled=not new or new == info.name)
    with check:
        st.caption("Compares pictures, thumbnails, vectors and index with the ledger, and mends what it can.")
        st.button("Check", on_click=_check, args=(info.name,), icon=":material/fact_check:")
    with rename:
        new = st.text_input("New name", info.name, key=f"rename-{info.number}", max_chars=80).strip()
        st.button("Rename", on_click=_rename, args=(info.name, new), disabled=new == info.name or not new)
    with delete:
        sure = st.checkbox(
            f"Delete {plain(info.name)} with its {info.images:,} images here; the files they came from stay",
            key=f"sure-{info.number}",
        )
        st.button("Delete", on_click=frame.guarded(cache.workspace().delete), args=(info.name,), disabled=not sure)


def _removed(collection: Collection) -> None:
    """What was taken out and can be put back."""
    ids = collection.removed()
    if not ids:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"{len(ids):,} removed images can be put back.", width="stretch")
        st.button("Put back", on_click=frame.guarded(_put_back), args=(collection, ids), icon=":material/undo:")
        st.button(
            "Forget them",
            on_click=frame.guarded(_forget_removed),
            args=(collection,),
            icon=":material/delete_forever:",
            help="For good, with the pictures that are kept here; the files they came from stay",
        )


def _put_back(collection: Collection, ids: list[str]) -> None:
    collection.put_back(ids)


def _forget_removed(collection: Collection) -> None:
    collection.forget_removed()


def _export(info: CollectionInfo) -> None:
    ending = FORMATS[st.selectbox("As", list(FORMATS), key=f"export-{info.number}")]
    originals = ending == ".zip" and st.checkbox(
        "With the pictures as they were uploaded",
        key=f"originals-{info.number}",
        help="Of pictures from a folder only the thumbnails are kept here.",
    )
    st.button("Export", on_click=_begin_export, args=(info, ending, originals), icon=":material/archive:")


@frame.guarded
def _begin_export(info: CollectionInfo, ending: str, originals: bool) -> None:
    workspace = cache.workspace()
    folder = workspace.home.incoming()
    path = folder / ((re.sub(r"[^\w.-]+", "-", info.name).strip(".-") or "collection") + ending)

    def work(job: Job) -> Exported:
        try:
            return workspace.export(info.name, path, originals, job.report, job.cancelled)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    cache.jobs().submit(f"Exporting {info.name}", info.name, work)


def _copy(name: str, new: str) -> None:
    workspace = cache.workspace()

    def work(job: Job) -> CollectionInfo:
        return workspace.copy(name, new, job.report, job.cancelled).info

    cache.jobs().submit(f"Copying {name}", new, work)
    state.update(follow=new)


def _check(name: str) -> None:
    workspace = cache.workspace()
    cache.jobs().submit(f"Checking {name}", name, lambda job: workspace.verify(name, job.report, job.cancelled))


@frame.guarded
def _rename(name: str, new: str) -> None:
    cache.workspace().rename(name, new)
    state.open_collection(new)


def import_form() -> None:
    """Take in a zip that an export has made, here or on another machine."""
    place = st.segmented_control("From", adding.PLACES, default=adding.UPLOAD, required=True, key="import.source")
    file, path = None, ""
    if place == adding.UPLOAD:
        file = st.file_uploader("The exported zip", type="zip", key=state.form_key("import.file"))
    else:
        path = st.text_input("The exported zip on the server's machine", key="import.path").strip()
    name = st.text_input(
        "Into the collection", key="import.name", max_chars=80, placeholder="the name that it had", help="Or a new one."
    ).strip()
    if st.button("Import", disabled=not (file or path)):
        with frame.errors(stop=False):
            _import_upload(file, name) if file else _import_path(path, name)


def _import_upload(file: Any, name: str) -> None:
    folder = cache.workspace().home.incoming()
    try:
        (path,) = uploads.on_disk([file], folder)
    except BaseException:  # the file stays in the form
        shutil.rmtree(folder, ignore_errors=True)
        raise
    uploads.take([file])

    def clear() -> None:
        for one in {folder, path.parent}:
            shutil.rmtree(one, ignore_errors=True)

    _import(path, file.name, name, clear)


def _import_path(path: str, name: str) -> None:
    found = Path(os.path.expanduser(path))
    if not found.is_file():
        raise BadInput(f"{path}: there is no such file on the server's machine.")
    _import(found, found.name, name, lambda: None)


def _import(path: Path, shown: str, name: str, at_end: Callable[[], None]) -> None:
    def work(job: Job) -> Imported:
        result = cache.workspace().import_(path, name or None, job.report, job.cancelled)
        job.collection = result.name
        return result

    cache.jobs().submit(f"Importing {shown}", name, work, at_end, lane="adding")
    state.handed_over()
    if name:
        state.update(follow=name)
    st.rerun()
