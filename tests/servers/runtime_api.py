"""The API that AWS Lambda offers to a runtime client, as far as one process needs it: snapshots, and one event a time.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html; the emulator, which is AWS's own, has no snapshots.
"""

import json
import queue
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.platforms import processes

PATH = "/2018-06-01/runtime"
HEADERS = {  # without any of which AWS's client crashes
    "Lambda-Runtime-Aws-Request-Id": "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
    "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1",
    "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-central-1:123456789012:function:roliascan",
    "Content-Type": "application/json",
}


class Function:
    """A function whose process runs."""

    def __init__(self) -> None:
        self.pid = 0
        self.asked: list[str] = []
        """What the client asked for, without identifiers."""
        self.may_restore = threading.Event()
        self._events: queue.Queue[bytes] = queue.Queue()
        self._answers: queue.Queue[Any] = queue.Queue()

    def invoke(self, event: Any) -> Any:
        self._events.put(json.dumps(event).encode())
        return self._answers.get(timeout=60)


def _handler(function: Function) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            function.asked.append(self.path.removeprefix(PATH))
            if self.path == f"{PATH}/restore/next":
                function.may_restore.wait(60)
                self._send(200, b"")
            else:
                self._send(200, function._events.get())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            function.asked.append(self.path.rpartition("/")[2])
            self._send(202, b"{}")
            function._answers.put(json.loads(body))

        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            for name, value in HEADERS.items():
                self.send_header(name, value)
            self.send_header("Lambda-Runtime-Deadline-Ms", str(int(time.time() * 1000) + 30_000))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


@contextmanager
def running(handler: str, environ: Mapping[str, str]) -> Iterator[tuple[Function, processes.Server]]:
    """A function in AWS's runtime client; `handler` is MODULE.function."""
    function = Function()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(function))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    own = {
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_port}",
        "AWS_LAMBDA_FUNCTION_NAME": "roliascan",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",  # from 3.12 on it waits for events in a thread
    }
    command = [sys.executable, "-m", "awslambdaric", handler]
    try:
        with processes.started(command, {**own, **environ}, ready=lambda: bool(function.asked)) as process:
            yield function, process
    finally:
        server.shutdown()
        server.server_close()
