"""The HTTP server: threads, 127.0.0.1, a port of the system's choice."""

from __future__ import annotations

import threading
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import make_server

from . import ACCESS_KEY, SECRET_KEY
from .front import Front
from .world import World


class _Handler(MotoRequestHandler):
    """Answers at once and without a log."""

    disable_nagle_algorithm = True

    def log(self, type: str, message: str, *args: Any) -> None:
        """Says nothing."""

    def connection_dropped(self, error: BaseException, environ: dict[str, Any] | None = None) -> None:
        """Really ends a connection that the front cuts: by itself werkzeug would wait for the next request."""
        self.close_connection = True


class Server:
    """A running AWS."""

    def __init__(self, seed: dict[str, Any], account: str, port: int = 0) -> None:
        self.front = Front(World(account), seed)
        self._server = make_server("127.0.0.1", port, self.front, threaded=True, request_handler=_Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

    def start(self) -> None:
        """Serves from now on, in a thread of its own, with moto's applications loaded."""
        self._thread.start()
        self._warm_up()

    def wait(self) -> None:
        """Blocks until the server is stopped."""
        while self._thread.is_alive():
            self._thread.join(1)

    def stop(self) -> None:
        """Ends the server."""
        self._server.shutdown()
        self._server.server_close()

    def _warm_up(self) -> None:
        """Makes one call to each service of moto, which loads them lazily: a deploy should not pay for that."""
        import boto3

        keys = {"aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": SECRET_KEY}
        for service, call in (("s3", "list_buckets"), ("sts", "get_caller_identity")):
            client = boto3.client(service, region_name="us-east-1", endpoint_url=self.endpoint, **keys)
            getattr(client, call)()
        self.front.world.calls.clear()
