"""Errors as AWS puts them on the wire: a code, a message and an HTTP status, in the form each protocol wants."""

from __future__ import annotations

import json
from xml.sax.saxutils import escape

JSON_SERVICES = {"secretsmanager", "ssm", "ecr", "logs"}


class AwsError(Exception):
    """An answer that is an error; `status` is the HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


def render(service: str, error: AwsError, request_id: str, method: str = "POST") -> tuple[str, bytes]:
    """The content type and body of `error` as `service` sends it; an answer to HEAD has no body."""
    if method == "HEAD":
        return "application/xml", b""
    code, message = escape(error.code), escape(error.message)
    if service in JSON_SERVICES:
        return "application/x-amz-json-1.1", json.dumps({"__type": error.code, "message": error.message}).encode()
    if service == "s3":
        text = f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>{request_id}</RequestId></Error>"
    elif service == "ec2":
        text = (
            f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
            f"<RequestID>{request_id}</RequestID></Response>"
        )
    else:
        kind = "Sender" if error.status < 500 else "Receiver"
        text = (
            f"<ErrorResponse><Error><Type>{kind}</Type><Code>{code}</Code><Message>{message}</Message></Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
    return "text/xml", b'<?xml version="1.0" encoding="UTF-8"?>\n' + text.encode()
