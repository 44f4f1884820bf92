"""The door: every request is identified, its signature checked, noted, troubled if asked for, and served."""

from __future__ import annotations

import io
import json
import time
import traceback
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import parse_qsl

from . import ACCESS_KEY, SECRET_KEY, control, errors, moto_side, signature
from .beanstalk import Beanstalk
from .beanstalk.registry import Context
from .calls import Call
from .errors import AwsError
from .faults import Fault
from .identify import Target, identify, mutates
from .world import World

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
REASONS = {200: "OK", 301: "Moved Permanently", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 409: "Conflict"}


class Front:
    """The WSGI application."""

    def __init__(self, world: World, seed: dict[str, Any]) -> None:
        self.world = world
        self.control = control.Control(world, seed)
        self.beanstalk = Beanstalk(world)
        self.moto = moto_side.application()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        body = _body(environ)
        path = environ["PATH_INFO"]
        if path.startswith("/_"):
            return self._control(environ, path, body, start_response)
        headers = _headers(environ)
        form: dict[str, str] = {}
        if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        raw_path, _, query = environ["RAW_URI"].partition("?")
        target = identify(environ["REQUEST_METHOD"], raw_path, query, headers, form)
        call = self.world.calls.open(
            service=target.service,
            operation=target.operation,
            region=target.region,
            time=time.time(),
            request_id=str(uuid.uuid4()),
            mutating=mutates(target.operation),
            parameters={"Bucket": target.bucket, "Key": target.key} if target.service == "s3" else _shown(form),
        )
        answer = _Answer(call, environ["REQUEST_METHOD"], start_response)
        try:
            return self._serve(environ, target, call, answer, headers, form, raw_path, query, body)
        except AwsError as error:
            return answer.error(error)
        except ConnectionError:
            raise
        except Exception as problem:
            traceback.print_exc()
            return answer.error(AwsError("InternalFailure", f"conformance server: {problem!r}", 500))
        finally:
            call.finished = time.time()

    def _serve(
        self,
        environ: Environ,
        target: Target,
        call: Call,
        answer: _Answer,
        headers: dict[str, str],
        form: dict[str, str],
        raw_path: str,
        query: str,
        body: bytes,
    ) -> Iterable[bytes]:
        fault = self.world.faults.hit(target.service, target.operation)
        if fault:
            call.effect = fault.kind
            if fault.kind == "cut":
                raise ConnectionResetError("cut before anything was done")
            if fault.kind == "slow":
                time.sleep(fault.seconds)
            if error := fault.error(target.service, target.operation, self.world.account):
                raise error
        now = self.world.clock.now() if self.world.scenario.refuse_skewed else None
        if not target.operation.startswith("AssumeRoleWith"):
            signature.check(environ["REQUEST_METHOD"], raw_path, query, headers, body, self._secret_of, now)
        if target.service == "elasticbeanstalk":
            context = Context(self.world, target.region, call.request_id, f"http://{headers['host']}")
            parameters, xml = self.beanstalk.handle(form, context)
            call.parameters = parameters
            return self._after(fault, answer.ok("text/xml", xml))
        self._check_bucket(target, call, headers)
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        return self._after(fault, self.moto.get_application(environ)(environ, answer.start))

    @staticmethod
    def _after(fault: Fault | None, body: Iterable[bytes]) -> Iterable[bytes]:
        if fault and fault.kind == "lose":
            list(body)
            raise ConnectionResetError("carried out, the answer lost")
        if fault and fault.kind == "truncate":
            return _half(b"".join(body))
        return body

    def _secret_of(self, access_key: str) -> str | None:
        return SECRET_KEY if access_key == ACCESS_KEY else moto_side.secret_of(self.world.account, access_key)

    def _check_bucket(self, target: Target, call: Call, headers: dict[str, str]) -> None:
        """What moto leaves out: whose a bucket is, and that it answers in its own region only."""
        if target.service != "s3" or target.bucket is None or target.operation == "CreateBucket":
            return
        owner = self.world.bucket_owners.get(target.bucket, self.world.account)
        region = moto_side.bucket_region(owner, target.bucket)
        if region is None:
            return
        if owner != self.world.account or headers.get("x-amz-expected-bucket-owner", owner) != owner:
            raise AwsError("AccessDenied", "Access Denied", 403)
        if region != target.region:
            call.parameters["bucket_region"] = region
            raise AwsError(
                "PermanentRedirect",
                "The bucket you are attempting to access must be addressed using the specified endpoint.",
                301,
            )

    def _control(self, environ: Environ, path: str, body: bytes, start_response: StartResponse) -> Iterable[bytes]:
        try:
            status, value = 200, self.control.handle(environ["REQUEST_METHOD"], path, json.loads(body) if body else {})
        except (KeyError, TypeError, ValueError) as problem:
            status, value = 400, {"error": repr(problem)}
        text = json.dumps(value).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(text)))]
        start_response(f"{status} {REASONS[status]}", headers)
        return [text]


class _Answer:
    """Sends an answer and notes its status in the call."""

    def __init__(self, call: Call, method: str, start_response: StartResponse) -> None:
        self.call = call
        self.method = method
        self.start_response = start_response

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        """`start_response` for moto's application."""
        self.call.status = int(status.split()[0])
        known = {name.lower() for name, _ in headers}
        header = "x-amz-request-id" if self.call.service == "s3" else "x-amzn-RequestId"
        if header.lower() not in known:
            headers = [*headers, (header, self.call.request_id)]
        return self.start_response(status, headers, exc_info)

    def ok(self, content_type: str, body: bytes) -> list[bytes]:
        """A served call's answer."""
        self.start("200 OK", [("Content-Type", content_type), ("Content-Length", str(len(body)))])
        return [body]

    def error(self, error: AwsError) -> list[bytes]:
        """An error's answer."""
        self.call.code = error.code
        content_type, body = errors.render(self.call.service, error, self.call.request_id, self.method)
        headers = [("Content-Type", content_type), ("Content-Length", str(len(body)))]
        if region := self.call.parameters.get("bucket_region"):
            headers.append(("x-amz-bucket-region", region))
        self.start(f"{error.status} {REASONS.get(error.status, 'Error')}", headers)
        return [body]


def _body(environ: Environ) -> bytes:
    if environ.get("wsgi.input_terminated"):
        return bytes(environ["wsgi.input"].read())
    return bytes(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))


def _headers(environ: Environ) -> dict[str, str]:
    headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            headers[name.replace("_", "-").lower()] = environ[name]
    return headers


def _shown(form: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in form.items() if name not in ("Action", "Version")}


def _half(body: bytes) -> Iterator[bytes]:
    yield body[: len(body) // 2]
    raise ConnectionResetError("the other half is lost")
