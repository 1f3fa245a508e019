"""A moto server for the tests of buckets: prints its address, ends when its standard input does.

The tests of crates/blobs start it with the Python of the environment that scripts/moto.sh makes.
"""

from __future__ import annotations

import logging
import os
import sys
import threading

# Parts of tests are smaller than those of S3; to be said before moto is imported.
os.environ["S3_UPLOAD_PART_MIN_SIZE"] = "256"

from moto.moto_server.werkzeug_app import create_backend_app
from moto.s3.exceptions import NoSuchUpload
from moto.s3.models import FakeBucket
from werkzeug.serving import WSGIRequestHandler, make_server


class KeepAlive(WSGIRequestHandler):
    """One connection for many requests."""

    protocol_version = "HTTP/1.1"


class Uploads(dict):
    """Uploads in parts; one that is not there is answered as S3 does, not by a server error."""

    def __missing__(self, upload: str) -> None:
        error = NoSuchUpload(upload)
        error.code = 404
        raise error


def answer_missing_uploads() -> None:
    make = FakeBucket.__init__

    def make_with_uploads(self, *arguments, **named):
        make(self, *arguments, **named)
        self.multiparts = Uploads()

    FakeBucket.__init__ = make_with_uploads


def one_at_a_time(application):
    """moto's dictionaries are not made for several threads."""
    lock = threading.Lock()

    def serve(environ, start_response):
        with lock:
            return list(application(environ, start_response))

    return serve


def main() -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    # The application of S3 alone: choosing one for each request takes half of its time.
    answer_missing_uploads()
    application = one_at_a_time(create_backend_app("s3"))
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=KeepAlive)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
