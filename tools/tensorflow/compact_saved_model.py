"""Writing SavedModels for the repository: without what only Python needs to go on training."""

import shutil
from pathlib import Path

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

# The samples travel with the source: a larger one does not belong there.
MAX_BYTES = 2_000_000


def save_compact(module, function, directory):
    """
    Saves `function` as `serving_default`, then drops what serving does not read: the object graph (only Python loads
    it), the debug information and the functions that save.
    """
    directory = Path(directory)
    shutil.rmtree(directory, ignore_errors=True)
    tf.saved_model.save(module, str(directory), signatures=function)
    shrink(directory)


def called_functions(nodes):
    """Names of the functions that nodes call, as operations or in attributes."""
    for node in nodes:
        yield node.op
        for attr in node.attr.values():
            yield attr.func.name
            for func in attr.list.func:
                yield func.name


def drop_saving(graph):
    """Takes out the function that writes checkpoints, and all functions that nothing calls any more."""
    library = {function.signature.name: function for function in graph.graph_def.library.function}

    def saves(node):
        return any(
            inner.op == "SaveV2"
            for name in called_functions([node])
            if name in library
            for inner in library[name].node_def
        )

    kept_nodes = [node for node in graph.graph_def.node if not saves(node)]
    kept, pending = set(), [name for name in called_functions(kept_nodes) if name in library]
    while pending:
        name = pending.pop()
        if name in kept:
            continue
        kept.add(name)
        pending += [called for called in called_functions(library[name].node_def) if called in library]
    functions = [function for name, function in library.items() if name in kept]
    for target, source in ((graph.graph_def.node, kept_nodes), (graph.graph_def.library.function, functions)):
        copies = [type(item).FromString(item.SerializeToString()) for item in source]
        del target[:]
        target.extend(copies)


def shrink(directory):
    """Drops from a SavedModel what serving does not read. TensorFlow Serving loads the result as before."""
    directory = Path(directory)
    path = directory / "saved_model.pb"
    model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    for graph in model.meta_graphs:
        graph.ClearField("object_graph_def")
        drop_saving(graph)
        for node in graph.graph_def.node:
            node.ClearField("experimental_debug_info")
        for function in graph.graph_def.library.function:
            function.ClearField("arg_attr")
            for node in function.node_def:
                node.ClearField("experimental_debug_info")
                node.attr.pop("_output_shapes", None)
                node.attr.pop("config_proto", None)
        for node in graph.graph_def.node:
            node.attr.pop("_output_shapes", None)
            node.attr.pop("config_proto", None)
        for op in graph.meta_info_def.stripped_op_list.op:
            for attr in op.attr:
                attr.ClearField("description")
    path.write_bytes(model.SerializeToString(deterministic=True))
    (directory / "fingerprint.pb").unlink(missing_ok=True)
    assets = directory / "assets"
    if assets.is_dir() and not any(assets.iterdir()):
        assets.rmdir()
    size = sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())
    if size > MAX_BYTES:
        raise SystemExit(f"{directory}: {size} bytes, more than the {MAX_BYTES} a model may have here")
