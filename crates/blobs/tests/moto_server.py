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

from moto.moto_server.werkzeug_app import create_backend_app  # noqa: E402
from werkzeug.serving import WSGIRequestHandler, make_server  # noqa: E402


class KeepAlive(WSGIRequestHandler):
    """One connection for many requests."""

    protocol_version = "HTTP/1.1"


def one_at_a_time(application):  # noqa: ANN001, ANN201
    """moto's dictionaries are not made for several threads."""
    lock = threading.Lock()

    def serve(environ, start_response):  # noqa: ANN001, ANN202
        with lock:
            return list(application(environ, start_response))

    return serve


def main() -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    # The application of S3 alone: choosing one for each request takes half of its time.
    application = one_at_a_time(create_backend_app("s3"))
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=KeepAlive)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
