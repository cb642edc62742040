"""Nobody uploads files to this site: papers and readers are imported by commands."""

from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadhandler import FileUploadHandler


class NoFiles(FileUploadHandler):
    """Refuses a file where it begins; without this, whoever posts one to any form fills the disk."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        raise SuspiciousOperation("a file was sent, and nothing here takes one")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None
