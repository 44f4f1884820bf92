"""AWS Signature Version 4, checked: of headers and of presigned URLs."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from datetime import datetime, timezone
from urllib.parse import quote, unquote

from .errors import AwsError

_HEX = re.compile(r"[0-9a-f]{64}")


def check(
    method: str,
    path: str,
    query: str,
    headers: dict[str, str],
    body: bytes,
    secret_of: Callable[[str], str | None],
    now: float | None = None,
) -> None:
    """Raises AWS's error for a request that is not signed, by nobody known, wrongly or (with `now`) at another time."""
    fields, presigned = _fields(query, headers)
    scope = fields["Credential"].split("/")
    if len(scope) != 5 or scope[4] != "aws4_request":
        raise AwsError("IncompleteSignature", "Credential should be scoped with a valid terminator: 'aws4_request'", 403)
    access_key, day, region, service, _ = scope
    is_s3 = service == "s3"
    secret = secret_of(access_key)
    if secret is None:
        if is_s3:
            raise AwsError("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", 403)
        raise AwsError("InvalidClientTokenId", "The security token included in the request is invalid.", 403)
    stamp = fields.get("Date") or headers.get("x-amz-date", "")
    if now is not None:
        _check_time(stamp, now, is_s3)
    if presigned:
        payload = "UNSIGNED-PAYLOAD"
    else:
        payload = headers.get("x-amz-content-sha256") or hashlib.sha256(body).hexdigest()
        if _HEX.fullmatch(payload) and payload != hashlib.sha256(body).hexdigest():
            raise AwsError(
                "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed."
            )
    signed = fields["SignedHeaders"].split(";")
    canonical = "\n".join(
        [
            method,
            _canonical_path(path) if is_s3 else (quote(_canonical_path(path), safe="/-_.~") or "/"),
            _canonical_query(query),
            *(f"{name}:{' '.join(headers.get(name, '').split())}" for name in signed),
            "",
            fields["SignedHeaders"],
            payload,
        ]
    )
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, "/".join(scope[1:]), hashlib.sha256(canonical.encode()).hexdigest()])
    key = b"AWS4" + secret.encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    if not hmac.compare_digest(hmac.new(key, text.encode(), hashlib.sha256).hexdigest(), fields["Signature"]):
        raise AwsError(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
            403,
        )


def _fields(query: str, headers: dict[str, str]) -> tuple[dict[str, str], bool]:
    authorization = headers.get("authorization", "")
    if authorization.startswith("AWS4-HMAC-SHA256"):
        return dict(re.findall(r"(Credential|SignedHeaders|Signature)=([^,\s]+)", authorization)), False
    presigned = {
        name[len("X-Amz-") :]: unquote(value)
        for name, _, value in (pair.partition("=") for pair in query.split("&"))
        if name.startswith("X-Amz-")
    }
    if "Signature" in presigned:
        return presigned, True
    raise AwsError("MissingAuthenticationToken", "Request is missing Authentication Token", 403)


def _check_time(stamp: str, now: float, is_s3: bool) -> None:
    signed = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc).timestamp()
    if is_s3 and abs(now - signed) > 900:
        raise AwsError("RequestTimeTooSkewed", "The difference between the request time and the current time is too large.", 403)
    if abs(now - signed) > 300:
        limit = datetime.fromtimestamp(now, timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        raise AwsError("SignatureDoesNotMatch", f"Signature expired: {stamp} is now earlier than {limit} (5 min.)", 403)


def _canonical_path(path: str) -> str:
    return quote(unquote(path), safe="/-_.~") or "/"


def _canonical_query(query: str) -> str:
    pairs = []
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        if name != "X-Amz-Signature":
            pairs.append((quote(unquote(name), safe="-_.~"), quote(unquote(value), safe="-_.~")))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))
