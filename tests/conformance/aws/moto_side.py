"""The services that are moto's: its WSGI application, and its S3 seen from inside."""

from __future__ import annotations

import os

os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")

from moto.backends import get_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app


def application() -> DomainDispatcherApplication:
    """moto, dispatching on the signature's service."""
    return DomainDispatcherApplication(create_backend_app)


def use_account(account: str) -> None:
    """Makes every key belong to `account`."""
    os.environ["MOTO_ACCOUNT_ID"] = account


def reset() -> None:
    """Empties every service of moto."""
    from moto.moto_api._internal.models import moto_api_backend

    moto_api_backend.reset()


def secret_of(account: str, access_key: str) -> str | None:
    """The secret of an access key made with moto's IAM."""
    for key in get_backend("iam")[account]["aws"].access_keys.values():
        if key.access_key_id == access_key:
            return str(key.secret_access_key)
    return None


def make_bucket(account: str, name: str, region: str) -> None:
    """Makes a bucket unless it exists."""
    s3 = get_backend("s3")[account]["aws"]
    if name not in s3.buckets:
        s3.create_bucket(name, region)


def bucket_region(account: str, name: str) -> str | None:
    """The region of a bucket, None where there is no such bucket."""
    bucket = get_backend("s3")[account]["aws"].buckets.get(name)
    return str(bucket.region_name) if bucket else None


def put_object(account: str, bucket: str, key: str, body: bytes) -> None:
    """Writes an object from inside."""
    get_backend("s3")[account]["aws"].put_object(bucket, key, body)


def object_bytes(account: str, bucket: str, key: str) -> bytes | None:
    """An object's content, None where there is none."""
    if bucket_region(account, bucket) is None:
        return None
    found = get_backend("s3")[account]["aws"].get_object(bucket, key)
    return bytes(found.value) if found is not None else None


def object_keys(account: str) -> dict[str, dict[str, int]]:
    """Every bucket's keys with their sizes."""
    buckets = get_backend("s3")[account]["aws"].buckets
    return {name: {key: bucket.keys[key].size for key in bucket.keys} for name, bucket in buckets.items()}


def remove_object(account: str, bucket: str, key: str) -> None:
    """Removes an object from inside."""
    get_backend("s3")[account]["aws"].delete_object(bucket, key)
