"""The four official clients under one set of methods."""

import asyncio

import tritonclient.grpc as grpcclient
import tritonclient.grpc.aio as grpcclient_aio
import tritonclient.http as httpclient
import tritonclient.http.aio as httpclient_aio

CLIENT_NAMES = ("http", "grpc", "http.aio", "grpc.aio")


class BlockingClient:
    """A client whose methods block, whichever it is."""

    def __init__(self, name, address):
        self.is_http = name.startswith("http")
        self.library = httpclient if self.is_http else grpcclient
        self._loop = asyncio.new_event_loop() if name.endswith("aio") else None
        if self._loop is None:
            self._client = self.library.InferenceServerClient(address)
        else:
            self._client = self._loop.run_until_complete(self._connect(address))

    async def _connect(self, address):
        library = httpclient_aio if self.is_http else grpcclient_aio
        return library.InferenceServerClient(address)

    def __getattr__(self, method):
        def call(*arguments, **options):
            result = getattr(self._client, method)(*arguments, **options)
            return result if self._loop is None else self._loop.run_until_complete(result)

        return call

    def regions(self, kind="system", name=""):
        """Name to attributes, of the regions that the status shows."""
        status = getattr(self, f"get_{kind}_shared_memory_status")(name)
        if self.is_http:
            return {region["name"]: region for region in status}
        return {
            name: {field.name: getattr(region, field.name) for field in region.DESCRIPTOR.fields}
            for name, region in status.regions.items()
        }

    def end(self):
        self.close()
        if self._loop is not None:
            self._loop.close()
