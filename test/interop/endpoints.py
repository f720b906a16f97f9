"""The endpoints of HTTP and the methods of gRPC that Triton has, as the table in docs/protocol.md names them."""

import re

_MODEL = "/v2/models/M[/versions/V]"
_REPOSITORY = "/v2/repository[/R]"
_SYSTEM = "/v2/systemsharedmemory[/region/N]"
_CUDA = "/v2/cudasharedmemory[/region/N]"

HTTP_ENDPOINTS = [
    "GET /v2",
    "GET /v2/health/live",
    "GET /v2/health/ready",
    f"GET {_MODEL}",
    f"GET {_MODEL}/ready",
    f"GET {_MODEL}/config",
    f"GET {_MODEL}/stats",
    "GET /v2/models/stats",
    f"POST {_MODEL}/infer",
    f"POST {_MODEL}/generate",
    f"POST {_MODEL}/generate_stream",
    "GET /v2/trace/setting",
    "POST /v2/trace/setting",
    "GET /v2/models/M/trace/setting",
    "POST /v2/models/M/trace/setting",
    "GET /v2/logging",
    "POST /v2/logging",
    f"POST {_REPOSITORY}/index",
    f"POST {_REPOSITORY}/models/M/load",
    f"POST {_REPOSITORY}/models/M/unload",
    f"GET {_SYSTEM}/status",
    f"POST {_SYSTEM}/register",
    f"POST {_SYSTEM}/unregister",
    f"GET {_CUDA}/status",
    f"POST {_CUDA}/register",
    f"POST {_CUDA}/unregister",
]

_GRPC_SERVICE = "/inference.GRPCInferenceService/"

GRPC_METHODS = [
    "ServerLive",
    "ServerReady",
    "ModelReady",
    "ServerMetadata",
    "ModelMetadata",
    "ModelInfer",
    "ModelStreamInfer",
    "ModelConfig",
    "ModelStatistics",
    "RepositoryIndex",
    "RepositoryModelLoad",
    "RepositoryModelUnload",
    "SystemSharedMemoryStatus",
    "SystemSharedMemoryRegister",
    "SystemSharedMemoryUnregister",
    "CudaSharedMemoryStatus",
    "CudaSharedMemoryRegister",
    "CudaSharedMemoryUnregister",
    "TraceSetting",
    "LogSettings",
    "grpc.health.v1.Health/Check",
    "grpc.health.v1.Health/Watch",
]


def _pattern(endpoint):
    text = re.escape(endpoint.split(" ", 1)[1])
    for written, pattern in [
        (r"\[", "(?:"),
        (r"\]", ")?"),
        ("/versions/V", "/versions/[0-9]+"),
        ("/models/M", "/models/[^/]+"),
        ("/region/N", "/region/[^/]+"),
        ("/R)", "/[^/]+)"),
    ]:
        text = text.replace(written, pattern)
    return re.compile(text)


_PATTERNS = [(endpoint, endpoint.split(" ", 1)[0], _pattern(endpoint)) for endpoint in HTTP_ENDPOINTS]
# A model called `stats` has no metadata: the fixed path goes first.
_PATTERNS.sort(key=lambda entry: "M" in entry[0].split("/v2", 1)[1])


def http_endpoint(method, target):
    """The endpoint that a request goes to; None when there is none."""
    path = "/" + target.split("?", 1)[0].lstrip("/")
    for endpoint, verb, pattern in _PATTERNS:
        if verb == method and pattern.fullmatch(path):
            return endpoint
    return None


def grpc_method(path):
    """The method of a call's full path; None when there is none."""
    text = path.decode() if isinstance(path, bytes) else path
    name = text.removeprefix(_GRPC_SERVICE).removeprefix("/")
    return name if name in GRPC_METHODS else None
