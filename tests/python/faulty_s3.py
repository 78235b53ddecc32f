"""An S3 server on loopback that fails as it is told.

Requests go on to moto's server; `fault(method, path, n)` says what becomes of the n-th request (from 0) of that method and path:

- None: its answer is sent.
- "lost": it is done, and the connection is closed without an answer.
- "refused": it is not done, and the connection is closed.
- "error": it is not done, and the answer is 503.
- "denied": it is not done, and the answer is 403.
- ("cut", bytes): its answer ends after so many bytes of its body.
"""

import http.client
import http.server
import logging
import socketserver
import threading

import boto3
from moto.server import ThreadedMotoServer

KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1", "AWS_ALLOW_HTTP": "true"}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def body(self):
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def answer(self):
        server = self.server
        body = self.body()
        path = self.path.split("?")[0]
        with server.lock:
            n = server.counts.get((self.command, path), 0)
            server.counts[self.command, path] = n + 1
        fault = server.fault(self.command, path, n)
        if fault == "refused":
            self.close_connection = True
            return
        if fault in ("error", "denied"):
            self.send_response(503 if fault == "error" else 403)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        behind = http.client.HTTPConnection(*server.behind, timeout=60)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("transfer-encoding", "content-length", "connection")}
        behind.request(self.command, self.path, body, headers)
        found = behind.getresponse()
        text = found.read()
        behind.close()
        if fault == "lost":
            self.close_connection = True
            return
        self.send_response(found.status)
        for name, value in found.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "date", "server") and (server.has_tags or name.lower() != "etag"):
                if name.lower() != "content-length" or self.command == "HEAD":
                    self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if fault and fault[1] < len(text):
            self.wfile.write(text[: fault[1]])
            self.close_connection = True
            return
        self.wfile.write(text)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = answer


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_):
        pass  # clients go as they like


class FaultyS3:
    """The server; `store` is a client of its own that nothing is kept from."""

    def __init__(self):
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self.moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
        self.moto.start()
        _, port = self.moto.get_host_and_port()
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.behind, self.server.lock = ("127.0.0.1", port), threading.Lock()
        self.server.has_tags = True
        self.heal()
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.environment = {**KEYS, "AWS_ENDPOINT_URL": self.endpoint}
        self.store = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", aws_access_key_id="key", aws_secret_access_key="secret",
                                  region_name="us-east-1")

    def fail(self, fault):
        """From now on; counts begin anew."""
        self.server.counts, self.server.fault = {}, fault

    def heal(self):
        self.fail(lambda *_: None)

    def stop(self):
        self.server.shutdown()
        self.moto.stop()
