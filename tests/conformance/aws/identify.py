"""Which service, region and operation a request is for, and who signed it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

# (method, is it about an object, a parameter of the query) -> operation; the first that fits, None fits always.
_S3: list[tuple[str, bool, str | None, str]] = [
    ("GET", False, "location", "GetBucketLocation"),
    ("GET", False, "policy", "GetBucketPolicy"),
    ("GET", False, "versioning", "GetBucketVersioning"),
    ("GET", False, "encryption", "GetBucketEncryption"),
    ("GET", False, "lifecycle", "GetBucketLifecycleConfiguration"),
    ("GET", False, "tagging", "GetBucketTagging"),
    ("GET", False, "publicAccessBlock", "GetPublicAccessBlock"),
    ("GET", False, "ownershipControls", "GetBucketOwnershipControls"),
    ("GET", False, "uploads", "ListMultipartUploads"),
    ("GET", False, "versions", "ListObjectVersions"),
    ("GET", False, "list-type", "ListObjectsV2"),
    ("GET", False, None, "ListObjects"),
    ("HEAD", False, None, "HeadBucket"),
    ("PUT", False, "policy", "PutBucketPolicy"),
    ("PUT", False, "versioning", "PutBucketVersioning"),
    ("PUT", False, "encryption", "PutBucketEncryption"),
    ("PUT", False, "lifecycle", "PutBucketLifecycleConfiguration"),
    ("PUT", False, "tagging", "PutBucketTagging"),
    ("PUT", False, "publicAccessBlock", "PutPublicAccessBlock"),
    ("PUT", False, "ownershipControls", "PutBucketOwnershipControls"),
    ("PUT", False, None, "CreateBucket"),
    ("POST", False, "delete", "DeleteObjects"),
    ("DELETE", False, "policy", "DeleteBucketPolicy"),
    ("DELETE", False, None, "DeleteBucket"),
    ("GET", True, "uploadId", "ListParts"),
    ("GET", True, "tagging", "GetObjectTagging"),
    ("GET", True, None, "GetObject"),
    ("HEAD", True, None, "HeadObject"),
    ("PUT", True, "uploadId", "UploadPart"),
    ("PUT", True, "tagging", "PutObjectTagging"),
    ("PUT", True, None, "PutObject"),
    ("POST", True, "uploads", "CreateMultipartUpload"),
    ("POST", True, "uploadId", "CompleteMultipartUpload"),
    ("DELETE", True, "uploadId", "AbortMultipartUpload"),
    ("DELETE", True, None, "DeleteObject"),
]

# What changes something at AWS: the tests' "nothing was written" is "none of these was served".
_READS = re.compile(r"^(Get|Head|List|Describe|Check|Retrieve|Validate|Simulate|Decode)")
# RequestEnvironmentInfo writes logs to the bucket, but changes nothing a user owns.
_HARMLESS = {"RequestEnvironmentInfo", "AssumeRole", "AssumeRoleWithWebIdentity"}


def mutates(operation: str) -> bool:
    """Whether `operation` changes something at AWS."""
    return not _READS.match(operation) and operation not in _HARMLESS


@dataclass(frozen=True)
class Target:
    """What a request is for; `access_key` is None when it is not signed."""

    service: str
    region: str
    operation: str
    access_key: str | None
    bucket: str | None = None
    key: str | None = None


def identify(method: str, path: str, query: str, headers: dict[str, str], form: dict[str, str]) -> Target:
    """The target of a request; `headers` have lower-case names, `path` is as it came."""
    parameters = dict(parse_qsl(query, keep_blank_values=True))
    scope = None
    if found := re.search(r"Credential=([^,\s]+)", headers.get("authorization", "")):
        scope = found[1]
    elif "X-Amz-Credential" in parameters:
        scope = parameters["X-Amz-Credential"]
    if scope and len(parts := scope.split("/")) == 5:
        access_key, _, region, service, _ = parts
    else:
        access_key, region = None, "us-east-1"
        service = "sts" if form.get("Action", "").startswith("AssumeRoleWith") else "s3"
    if service != "s3":
        target = headers.get("x-amz-target", "").rpartition(".")[2]
        return Target(service, region, target or form.get("Action") or parameters.get("Action", "?"), access_key)
    bucket, _, key = unquote(path).lstrip("/").partition("/")
    return Target("s3", region, _s3_operation(method, bucket, key, parameters, headers), access_key, bucket or None, key or None)


def _s3_operation(method: str, bucket: str, key: str, parameters: dict[str, str], headers: dict[str, str]) -> str:
    if not bucket:
        return "ListBuckets"
    for verb, is_object, parameter, operation in _S3:
        if verb == method and is_object == bool(key) and (parameter is None or parameter in parameters):
            if operation == "PutObject" and "x-amz-copy-source" in headers:
                return "CopyObject"
            return operation
    return f"{method}{'Object' if key else 'Bucket'}"
