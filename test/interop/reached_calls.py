"""Writes down which endpoint each call of a client library reached, and whether the server served it.

A call is told by the public method of the client class that made it, so the record needs no list of who calls what.
"""

import contextvars
import functools
import http.client
import inspect
import json

import grpc
from endpoints import grpc_method, http_endpoint

# `<client>.<method>` of the call that is being made; None in a test that sends requests of its own.
_caller = contextvars.ContextVar("caller", default=None)

# (caller, endpoint) -> whether any such call was served.
_reached = {}
# Public methods that returned. Some reach the server only through a stream that another one has opened.
_returned = set()


def _note(caller, endpoint, was_served):
    if endpoint is not None:
        key = (caller or "", endpoint)
        _reached[key] = _reached.get(key, False) or was_served


def note_http(method, target, status, otherwise=None):
    """Notes a reply. `otherwise` is the caller where the library lets go of the context that it was called in."""
    _note(_caller.get() or otherwise, http_endpoint(method, target), 200 <= status < 300)


def public_methods(client_class):
    return [
        name
        for name, _ in inspect.getmembers(client_class, inspect.isfunction)
        if not name.startswith("_")
    ]


def watch_class(client_class, name):
    """Has every public method of the class say that it is the caller of what it sends."""
    for method in public_methods(client_class):
        watched = _watched(getattr(client_class, method), f"{name}.{method}")
        is_static = isinstance(inspect.getattr_static(client_class, method), staticmethod)
        setattr(client_class, method, staticmethod(watched) if is_static else watched)


def _watched(method, caller):
    def call(arguments, options):
        token = _caller.set(caller)
        try:
            return method(*arguments, **options)
        finally:
            _caller.reset(token)

    if inspect.iscoroutinefunction(method):

        @functools.wraps(method)
        async def watched(*arguments, **options):
            token = _caller.set(caller)
            try:
                result = await method(*arguments, **options)
            finally:
                _caller.reset(token)
            _returned.add(caller)
            return result

    else:

        @functools.wraps(method)
        def watched(*arguments, **options):
            result = call(arguments, options)
            _returned.add(caller)
            return result

    return watched


class _Interceptor(
    grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor, grpc.StreamStreamClientInterceptor
):
    def intercept_unary_unary(self, continuation, details, request):
        return self._watch(continuation(details, request), details)

    def intercept_unary_stream(self, continuation, details, request):
        return self._watch(continuation(details, request), details)

    def intercept_stream_stream(self, continuation, details, request_iterator):
        return self._watch(continuation(details, request_iterator), details)

    def _watch(self, call, details):
        caller, method = _caller.get(), grpc_method(details.method)
        call.add_done_callback(lambda done: _note(caller, method, done.code() == grpc.StatusCode.OK))
        return call


class _AioUnaryInterceptor(grpc.aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(self, continuation, details, request):
        call = await continuation(details, request)
        code = await call.code()
        _note(_caller.get(), grpc_method(details.method), code == grpc.StatusCode.OK)
        return call


class _AioStreamInterceptor(grpc.aio.StreamStreamClientInterceptor):
    async def intercept_stream_stream(self, continuation, details, request_iterator):
        call = await continuation(details, request_iterator)
        return self._answers(call, _caller.get(), grpc_method(details.method))

    async def _answers(self, call, caller, method):
        async for answer in call:
            yield answer
        _note(caller, method, await call.code() == grpc.StatusCode.OK)


def watch_grpc():
    """Has every channel that is opened from now on note the status of its calls."""

    def watch(library, name, intercept):
        original = getattr(library, name)

        @functools.wraps(original)
        def opened(*arguments, **options):
            return intercept(original, arguments, options)

        setattr(library, name, opened)

    def sync(original, arguments, options):
        return grpc.intercept_channel(original(*arguments, **options), _Interceptor())

    def aio(original, arguments, options):
        return original(*arguments, **options, interceptors=[_AioUnaryInterceptor(), _AioStreamInterceptor()])

    for name in ("insecure_channel", "secure_channel"):
        watch(grpc, name, sync)
        watch(grpc.aio, name, aio)


def watch_plain_http():
    """Has the requests of `http.client`, which no client library under test uses, note their replies."""
    put, get = http.client.HTTPConnection.putrequest, http.client.HTTPConnection.getresponse

    def putrequest(self, method, url, *arguments, **options):
        self.noted_request = (method, url)
        return put(self, method, url, *arguments, **options)

    def getresponse(self):
        response = get(self)
        note_http(*self.noted_request, response.status)
        return response

    http.client.HTTPConnection.putrequest = putrequest
    http.client.HTTPConnection.getresponse = getresponse


def save(path):
    reached = [
        {"caller": caller, "endpoint": endpoint, "served": served}
        for (caller, endpoint), served in sorted(_reached.items())
    ]
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"reached": reached, "returned": sorted(_returned)}, file)
