"""`python -m aws`: serves until it is ended, or until its standard input closes with `--until-eof`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from . import ACCESS_KEY, ACCOUNT, REGION, SECRET_KEY


def seed_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """The seed: a file's, or one application with the environments named."""
    if arguments.seed:
        return dict(json.loads(Path(arguments.seed).read_text()))
    environments = [{"name": name} for name in arguments.environment or ["shop-production"]]
    return {"region": arguments.region, "applications": [{"name": arguments.application, "environments": environments}]}


def main() -> int:
    """Starts the server and says where it is."""
    parser = argparse.ArgumentParser(prog="python -m aws", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--region", default=REGION)
    parser.add_argument("--account", default=ACCOUNT)
    parser.add_argument("--application", default="shop")
    parser.add_argument("--environment", action="append", help="may be repeated")
    parser.add_argument("--seed", help="a JSON file: {region, applications: [{name, environments: [{name, ...}]}], buckets}")
    parser.add_argument("--until-eof", action="store_true")
    arguments = parser.parse_args()

    from .server import Server

    server = Server(seed_of(arguments), arguments.account, arguments.port)
    server.start()
    hello = {
        "endpoint": server.endpoint,
        "region": arguments.region,
        "account": arguments.account,
        "access_key": ACCESS_KEY,
        "secret_key": SECRET_KEY,
    }
    print(json.dumps(hello), flush=True)
    try:
        if arguments.until_eof:
            sys.stdin.read()
        else:
            server.wait()
    except KeyboardInterrupt:
        pass
    server.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
