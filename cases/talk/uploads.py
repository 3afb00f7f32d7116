"""No upload, at whatever address, is read further than the largest file that may be attached."""

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler, SkipFile


class Bounded(FileUploadHandler):
    """The first of the handlers: a file that is too large reaches no other one, and the request says so."""

    def new_file(self, *about, **more):
        super().new_file(*about, **more)
        self.read = 0

    def receive_data_chunk(self, raw_data, start):
        self.read += len(raw_data)
        if self.read > settings.HITLDESK_ATTACHMENT_BYTES:
            self.request.upload_is_too_large = True
            raise SkipFile
        return raw_data

    def file_complete(self, file_size):
        return None
