"""The standard pack of Latent Loom: nodes, model families and the mathematics of sampling."""

from graph_engine import Pack

PACK = Pack(
    name="loom",
    version="0.1.0",
    package="nodes",
    codecs={
        "torch.Tensor": "nodes.runtime.codecs:TensorCodec",
        "torch.nn.parameter.Parameter": "nodes.runtime.codecs:TensorCodec",
    },
)
