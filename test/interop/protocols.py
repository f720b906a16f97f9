"""One face for the official HTTP and gRPC clients, so that a test states a fact once and checks it over both."""

import tritonclient.grpc as grpcclient
import tritonclient.http as httpclient
from tritonclient.grpc import model_config_pb2
from tritonclient.utils import np_to_triton_dtype

# How the two protocols spell the outcome of a refused request.
STATUS_NAMES = {
    "http": {"invalid": "400", "not_found": "404", "internal": "500"},
    "grpc": {
        "invalid": "StatusCode.INVALID_ARGUMENT",
        "not_found": "StatusCode.NOT_FOUND",
        "internal": "StatusCode.INTERNAL",
    },
}


class HttpProtocol:
    """The HTTP client. `binary` chooses between the binary tensor extension and JSON, per tensor."""

    name = "http"

    def __init__(self, address):
        self.client = httpclient.InferenceServerClient(
            address, concurrency=16, connection_timeout=20, network_timeout=20
        )

    def input(self, name, array, binary=True, datatype=None):
        tensor = httpclient.InferInput(name, list(array.shape), datatype or np_to_triton_dtype(array.dtype))
        return tensor.set_data_from_numpy(array, binary_data=binary)

    def output(self, name, binary=True):
        return httpclient.InferRequestedOutput(name, binary_data=binary)

    def infer(self, model, inputs, **options):
        return self.client.infer(model, inputs, **options)

    def response(self, result):
        """The response without its tensor data."""
        response = result.get_response()
        return {
            "id": response.get("id", ""),
            "model_name": response["model_name"],
            "model_version": response["model_version"],
            "outputs": [(o["name"], o["datatype"], o["shape"]) for o in response["outputs"]],
        }

    def server_metadata(self):
        return self.client.get_server_metadata()

    def model_metadata(self, model, version=""):
        return self.client.get_model_metadata(model, version)

    def model_config(self, model, version=""):
        return self.client.get_model_config(model, version)

    def close(self):
        self.client.close()


class GrpcProtocol:
    """The gRPC client. It has binary tensors only, so `binary` means nothing here."""

    name = "grpc"

    def __init__(self, address):
        self.client = grpcclient.InferenceServerClient(address)

    def input(self, name, array, binary=True, datatype=None):
        tensor = grpcclient.InferInput(name, list(array.shape), datatype or np_to_triton_dtype(array.dtype))
        return tensor.set_data_from_numpy(array)

    def output(self, name, binary=True):
        return grpcclient.InferRequestedOutput(name)

    def infer(self, model, inputs, **options):
        return self.client.infer(model, inputs, client_timeout=20, **options)

    def response(self, result):
        """The response without its tensor data."""
        response = result.get_response()
        return {
            "id": response.id,
            "model_name": response.model_name,
            "model_version": response.model_version,
            "outputs": [(o.name, o.datatype, list(o.shape)) for o in response.outputs],
        }

    def server_metadata(self):
        reply = self.client.get_server_metadata(client_timeout=20)
        return {"name": reply.name, "version": reply.version, "extensions": list(reply.extensions)}

    def model_metadata(self, model, version=""):
        reply = self.client.get_model_metadata(model, version, client_timeout=20)
        return {
            "name": reply.name,
            "versions": list(reply.versions),
            "platform": reply.platform,
            "inputs": [_tensor_metadata(tensor) for tensor in reply.inputs],
            "outputs": [_tensor_metadata(tensor) for tensor in reply.outputs],
        }

    def model_config(self, model, version=""):
        """In the HTTP endpoint's form, as far as the tests look at it."""
        config = self.client.get_model_config(model, version, client_timeout=20).config
        return {
            "name": config.name,
            "platform": config.platform,
            "backend": config.backend,
            "max_batch_size": config.max_batch_size,
            "input": [_tensor_config(tensor) for tensor in config.input],
            "output": [_tensor_config(tensor) for tensor in config.output],
            "instance_group": [
                {
                    "kind": model_config_pb2.ModelInstanceGroup.Kind.Name(group.kind),
                    "count": group.count,
                }
                for group in config.instance_group
            ],
            "version_policy": {"latest": {"num_versions": config.version_policy.latest.num_versions}},
        }

    def close(self):
        self.client.close()


def _tensor_metadata(tensor):
    return {"name": tensor.name, "datatype": tensor.datatype, "shape": list(tensor.shape)}


def _tensor_config(tensor):
    return {
        "name": tensor.name,
        "data_type": model_config_pb2.DataType.Name(tensor.data_type),
        "dims": list(tensor.dims),
    }
