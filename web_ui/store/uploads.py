"""Decides which uploads are kept and under which name: pictures that can be decoded whole, named by their content.

The bytes stay as they are, since a picture may carry a workflow; the name and suffix are ours, whatever the sender called it.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

from graph_engine import atomic
from graph_engine.folders import Folders, OutsideFolderError
from web_ui.schema import Uploaded
from web_ui.sentences import say
from web_ui.store.errors import NotThere, NotWritten, TooLarge
from web_ui.store.pictures import FORMATS, opened, upright_size

MAX_BYTES = 64 * 2**20
NAME_DIGITS = 32
"""Of the sha256: enough that nobody finds two pictures with one name."""


class Uploads:
    """The folder with input files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, data: bytes) -> Uploaded:
        """Keep a picture; the same one twice is kept once. Raises BadPicture, TooLarge or NotWritten."""
        if len(data) > MAX_BYTES:
            raise TooLarge(say("picture_bytes", count=len(data), most=MAX_BYTES), say("make_it_smaller"))
        with opened(io.BytesIO(data)) as picture:
            suffix = FORMATS[picture.format or ""]
            width, height = upright_size(picture)
            picture.load()
        path = self.folder / f"{hashlib.sha256(data).hexdigest()[:NAME_DIGITS]}{suffix}"
        try:
            if not (path.is_file() and path.stat().st_size == len(data)):
                atomic.replace(path, [data])
        except OSError as error:
            raise NotWritten.because(say("picture_not_kept"), error) from error
        return Uploaded(name=path.name, width=width, height=height, size_bytes=len(data))

    def file(self, name: str) -> Path:
        """The input file of that name, uploaded or put there by hand. Raises NotThere."""
        try:
            path = Folders(inputs=(self.folder,)).input_file(name)
        except OutsideFolderError:
            path = None
        if path is None or not path.is_file():
            raise NotThere(say("no_input_file"), say("upload_it"))
        return path
