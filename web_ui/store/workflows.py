"""Decides how workflows are kept: as files in canonical text that git can follow, every content as a revision, no save lost.

A change names the content that it began with; if another was stored meanwhile, by another window, process, editor or git, it is refused.
What was written from outside is noticed when it is next looked at, and becomes a revision too. A revision is on the disk before the
file itself changes, so that a fault between the two leaves a revision too many and never one too few.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from graph_engine import atomic
from graph_engine.errors import FormatError
from graph_engine.sentences import message
from graph_engine.workflow.document import Workflow
from graph_engine.workflow.text import canonical, parse, to_data
from web_ui.schema import Revision, RevisionList, StoredWorkflow, WorkflowPage
from web_ui.sentences import say
from web_ui.store import names
from web_ui.store.errors import AlreadyThere, Broken, NotThere, NotWritten, Stale
from web_ui.store.folder import SUFFIX, Content, Entry, WorkflowFolder, etag_of, page_of, stored
from web_ui.store.lock import FolderLock
from web_ui.store.revisions import Kept, Revisions

log = logging.getLogger(__name__)


class WorkflowStore:
    """The workflows in ``folder``, with nothing else in it; their revisions and what was deleted in ``revisions_folder``.

    Every method that takes a name raises BadName for one that no workflow may have, and NotThere where there is none.
    Those that change something raise NotWritten where the disk refuses.
    """

    def __init__(self, folder: Path, revisions_folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._files = WorkflowFolder(folder)
        self._revisions = Revisions(revisions_folder)
        self._lock = FolderLock(folder, revisions_folder / ".lock")
        self._noticed: dict[str, str] = {}
        self._clean()

    # reading

    def page(self, search: str = "", offset: int = 0, limit: int = 100) -> WorkflowPage:
        """Those in whose name, title or description every word of ``search`` stands, by name."""
        entries = self._files.entries()
        try:
            for entry in entries:
                if not entry.problem and self._noticed.get(entry.name) != entry.etag:
                    with suppress(NotThere):
                        self._notice(entry)
        except NotWritten as error:
            log.warning("What was changed outside is not kept as a revision: %s", error)
        return page_of(entries, search, offset, limit)

    def get(self, name: str) -> StoredWorkflow:
        """Raises Broken for a file that holds no workflow."""
        content = self._files.content(name)
        found = stored(content)
        if self._noticed.get(found.name) != found.etag:
            with suppress(NotThere, NotWritten):
                self._notice(content.entry)
        return found

    def revisions(self, name: str) -> RevisionList:
        """Newest first, of a deleted workflow too."""
        name = names.checked(name)
        with suppress(NotThere, NotWritten):
            self._notice(self._files.content(name).entry)
        kept = self._revisions.of(name)
        if not kept:
            raise NotThere(say("no_workflow", name=name), say("choose_listed"))
        return RevisionList(
            revisions=[
                Revision(number=one.number, etag=one.etag, saved_at=one.saved_at, size_bytes=one.path.stat().st_size)
                for one in reversed(kept)
            ]
        )

    def revision(self, name: str, number: int) -> StoredWorkflow:
        """One of them, as it was. Raises NotThere, or Broken for one that was damaged."""
        name = names.checked(name)
        kept, workflow = self._revision(name, number)
        return StoredWorkflow(name=name, etag=kept.etag, saved_at=kept.saved_at, workflow=to_data(workflow))

    # changing

    def create(self, name: str, workflow: Workflow) -> StoredWorkflow:
        """Raises AlreadyThere when the name is taken, in other letters too."""
        name = names.checked(name)
        with self._writing(name):
            self._refuse_taken(name)
            return self._write(name, workflow, self.folder / (name + SUFFIX))

    def change(self, name: str, workflow: Workflow, etag: str) -> StoredWorkflow:
        """Store ``workflow`` in place of the content called ``etag``. Raises Stale if that is not the present one."""
        name = names.checked(name)
        with self._writing(name):
            now = self._at(name, etag)
            if now.entry.problem:
                self._put_aside(now)
            return self._write(name, workflow, now.entry.path)

    def restore(self, name: str, number: int, etag: str) -> StoredWorkflow:
        """Save a revision again, in place of the content called ``etag``; the revisions after it stay. Raises Stale, Broken."""
        return self.change(name, self._revision(names.checked(name), number)[1], etag)

    def rename(self, name: str, new_name: str) -> StoredWorkflow:
        """Give a workflow another name; its revisions go with it. Raises AlreadyThere or Broken."""
        name, new_name = names.checked(name), names.checked(new_name)
        with self._writing(name):
            now = self._files.content(name)
            now.entry.refuse_broken()
            if name == new_name:
                return stored(now)
            self._refuse_taken(new_name, but=name)
            self._notice(now.entry)
            now.entry.path.rename(self.folder / (new_name + SUFFIX))
            atomic.keep_names(self.folder)
            self._noticed.pop(name, None)
            self._revisions.move(name, new_name)
            return stored(self._files.content(new_name))

    def delete(self, name: str, etag: str) -> None:
        """Move the content called ``etag`` to the trash beside the revisions, which stay. Raises Stale."""
        name = names.checked(name)
        with self._writing(name):
            now = self._at(name, etag)
            self._put_aside(now)
            now.entry.path.unlink()
            atomic.keep_names(self.folder)
            self._noticed.pop(name, None)

    # inside

    @contextmanager
    def _writing(self, name: str) -> Iterator[None]:
        """Nobody else writes meanwhile, and what the disk refuses is told."""
        try:
            with self._lock.held():
                yield
        except OSError as error:
            raise NotWritten.because(say("workflow_not_written", name=name), error) from error

    def _write(self, name: str, workflow: Workflow, path: Path) -> StoredWorkflow:
        """``path`` may spell the name in another Unicode form. The lock is held."""
        text = canonical(workflow)
        data, etag = text.encode(), etag_of(text)
        kept = self._keep(name, text, etag, time.time())
        try:
            atomic.replace(path, [data])
        except OSError:
            if kept is not None:
                with suppress(OSError):
                    kept.path.unlink()
            raise
        self._noticed[name] = etag
        return stored(self._files.content(name))

    def _at(self, name: str, etag: str) -> Content:
        """What is there now. Raises Stale unless it is called ``etag``, NotThere, or Broken for what cannot be replaced."""
        now = self._files.content(name)
        if now.data is None:
            now.entry.refuse_broken()
        if now.entry.etag != etag:
            cause = say("changed_meanwhile", name=name)
            raise Stale(cause, say("open_or_save_as"), now.entry.etag)
        if now.workflow is not None:
            text, newest = canonical(now.workflow), self._revisions.newest(name)
            if newest is not None and newest.etag == etag:
                self._revisions.settle(newest)
            else:
                self._keep(name, text, etag, now.entry.saved_at)
        return now

    def _put_aside(self, now: Content) -> None:
        assert now.data is not None  # _at refuses what cannot be read
        self._revisions.put_aside(now.entry.name, now.data)

    def _refuse_taken(self, name: str, but: str = "") -> None:
        taken = next((one for one in self._files.names_like(name) if one != but), None)
        if taken is not None:
            raise AlreadyThere(say("name_taken", name=taken), say("choose_other_name"))

    def _notice(self, entry: Entry) -> None:
        """Make the present content the newest revision, if somebody else wrote it. Raises NotThere, NotWritten.

        Not durable, since the content is in its own file, and there may be thousands; ``_at`` sees to that before it is replaced.
        """
        with self._writing(entry.name):
            now = self._files.again(entry)
            if now.workflow is not None:
                self._keep(entry.name, canonical(now.workflow), now.entry.etag, now.entry.saved_at, durable=False)
                self._noticed[entry.name] = now.entry.etag

    def _keep(self, name: str, text: str, etag: str, saved_at: float, durable: bool = True) -> Kept | None:
        """Add a revision, unless the newest one is the same. The lock is held."""
        newest = self._revisions.newest(name)
        if newest is not None and newest.etag == etag:
            return None
        return self._revisions.add(name, text, etag, saved_at, durable)

    def _revision(self, name: str, number: int) -> tuple[Kept, Workflow]:
        kept, text = self._revisions.read(name, number)
        try:
            return kept, parse(text)
        except FormatError as error:
            raise Broken(
                say("revision_damaged", number=number, name=name, error=message(error)), say("choose_another")
            ) from error

    def _clean(self) -> None:
        """What a process that died left half written, in the user's folder."""
        with suppress(OSError, NotWritten), self._lock.held():
            for path in self.folder.glob(".loom-*.part"):
                path.unlink(missing_ok=True)
