"""Checks what the clients' calls have reached, and keeps reached.json: `check_calls.py <directory of the records>`.

With NEREID_INTEROP_UPDATE=1 it writes the file instead of comparing it.
"""

import json
import os
import pathlib
import sys

from endpoints import GRPC_METHODS, HTTP_ENDPOINTS
from reached_calls import public_methods
from tritonclient.grpc import service_pb2
from triton_clients import CLIENTS

RECORD = pathlib.Path(__file__).parent / "reached.json"

# Public methods that send nothing.
LOCAL_METHODS = {
    "close": "ends the client",
    "plugin": "gives the plugin back",
    "register_plugin": "sets a function that changes headers",
    "unregister_plugin": "takes it away",
}


def merged(directory):
    reached, returned = {}, set()
    for path in sorted(directory.glob("calls-*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        returned.update(record["returned"])
        for entry in record["reached"]:
            key = (entry["endpoint"], entry["caller"])
            reached[key] = reached.get(key, False) or entry["served"]
    return reached, returned


def missing_calls(reached, returned):
    """Public methods that no test has called with success, and that have not even reached the server."""
    called = returned | {caller for _, caller in reached}
    return [
        f"no test calls {name}.{method}"
        for name, client_class in CLIENTS.items()
        for method in public_methods(client_class)
        if method not in LOCAL_METHODS and f"{name}.{method}" not in called
    ]


def unlisted_methods():
    """Methods of the official .proto that endpoints.py forgets."""
    service = service_pb2.DESCRIPTOR.services_by_name["GRPCInferenceService"]
    return [f"endpoints.py lacks {method.name}" for method in service.methods if method.name not in GRPC_METHODS]


def entry(endpoint, reached):
    calls = {caller: served for (at, caller), served in sorted(reached.items()) if at == endpoint}
    return {
        "endpoint": endpoint,
        "served": [caller for caller, served in calls.items() if served and caller],
        "refused": [caller for caller, served in calls.items() if not served and caller],
        # Requests that a test made without a client library.
        "plain": "served" if calls.get("") else "refused" if "" in calls else "none",
    }


def main():
    reached, returned = merged(pathlib.Path(sys.argv[1]))
    problems = missing_calls(reached, returned) + unlisted_methods()
    record = {
        "http": [entry(endpoint, reached) for endpoint in HTTP_ENDPOINTS],
        "grpc": [entry(endpoint, reached) for endpoint in GRPC_METHODS],
    }
    text = json.dumps(record, indent=2) + "\n"
    if os.environ.get("NEREID_INTEROP_UPDATE") == "1":
        RECORD.write_text(text, encoding="utf-8")
        print(f"wrote {RECORD.name}: now run `npm run generate`")
    elif not any(caller.startswith("kserve.") for _, caller in reached):
        print("KServe's client is not there, so reached.json is not compared")
    elif not RECORD.exists() or RECORD.read_text(encoding="utf-8") != text:
        old = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
        before = {each["endpoint"]: each for part in old.values() for each in part}
        changed = [each for part in record.values() for each in part if before.get(each["endpoint"]) != each]
        problems += [f"reached.json is stale: {json.dumps(before.get(c['endpoint']))} is {json.dumps(c)}" for c in changed]
        problems.append("run `NEREID_INTEROP_UPDATE=1 npm run test:interop`, then `npm run generate`, and commit both files")
    for problem in problems:
        print(problem, file=sys.stderr)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
