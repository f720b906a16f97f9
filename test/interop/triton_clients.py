"""The four clients of the official library, watched: what their public methods reach is written down."""

import functools

import reached_calls
import tritonclient.grpc
import tritonclient.grpc.aio
import tritonclient.http
import tritonclient.http.aio

CLIENTS = {
    "http": tritonclient.http.InferenceServerClient,
    "http.aio": tritonclient.http.aio.InferenceServerClient,
    "grpc": tritonclient.grpc.InferenceServerClient,
    "grpc.aio": tritonclient.grpc.aio.InferenceServerClient,
}


def _watch_http(client_class):
    get, post = client_class._get, client_class._post

    @functools.wraps(get)
    def watched_get(self, request_uri, headers, query_params):
        response = get(self, request_uri, headers, query_params)
        reached_calls.note_http("GET", request_uri, response.status_code)
        return response

    @functools.wraps(post)
    def watched_post(self, request_uri, request_body, headers, query_params):
        response = post(self, request_uri, request_body, headers, query_params)
        # Only async_infer sends from a greenlet, which has not its caller's context.
        reached_calls.note_http("POST", request_uri, response.status_code, otherwise="http.async_infer")
        return response

    client_class._get, client_class._post = watched_get, watched_post


def _watch_http_aio(client_class):
    get, post = client_class._get, client_class._post

    @functools.wraps(get)
    async def watched_get(self, request_uri, headers, query_params):
        response = await get(self, request_uri, headers, query_params)
        reached_calls.note_http("GET", request_uri, response.status)
        return response

    @functools.wraps(post)
    async def watched_post(self, request_uri, request_body, headers, query_params):
        response = await post(self, request_uri, request_body, headers, query_params)
        reached_calls.note_http("POST", request_uri, response.status)
        return response

    client_class._get, client_class._post = watched_get, watched_post


def watch():
    """Call it once, before the first client is made."""
    reached_calls.watch_grpc()
    _watch_http(CLIENTS["http"])
    _watch_http_aio(CLIENTS["http.aio"])
    for name, client_class in CLIENTS.items():
        reached_calls.watch_class(client_class, name)
