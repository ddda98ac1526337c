"""The standard pack of Latent Loom: nodes, model families and the mathematics of sampling."""

import os

from graph_engine import Pack

# torch's threads sleep while they wait for each other, unless the user wants otherwise: by default they spin, and on a machine
# that is busy with something else too, that makes small networks several times slower (measured: 4 to 10 times on two cores).
# It is read once, when torch is loaded, so it is set here, before any node can load it.
# A network so small that waking them costs more than they do gets one thread, see ``runtime/threads``.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

COMPILED_AHEAD = (
    "torch", "numpy._core", "numpy.lib", "torch.utils", "torch.cuda", "torch.nn", "torch.nn.modules", "torch.autograd", "torch.jit",
    "torch.package", "torch.nn.parallel", "torch.nn.utils", "torch._library", "transformers.generation.*", "transformers.distributed",
    "transformers.loss", "transformers.quantizers", "transformers.models.auto", "torch.distributed.*", "torch.utils._sympy",
    "sympy.concrete", "sympy.calculus", "sympy.plotting", "sympy.tensor.*", "sympy.assumptions", "sympy.integrals", "sympy.series",
    "sympy.sets", "sympy.geometry", "sympy.solvers.*", "sympy.simplify", "sympy.matrices.*", "sympy.printing", "sympy.functions.*",
    "sympy.polys.*", "sympy.core", "sympy.ntheory", "sympy.utilities", "sympy.logic", "mpmath.*", "transformers",
    "transformers.integrations", "transformers.utils", "jinja2", "diffusers", "regex", "yaml", "requests", "charset_normalizer",
    "urllib3.*", "httpx2", "idna", "diffusers.utils", "diffusers.loaders.*", "diffusers.models", "huggingface_hub.utils",
    "huggingface_hub", "torch._refs", "torch._decomp", "torch._higher_order_ops", "torch.export", "torch._subclasses", "torch.fx.*",
    "torch.ao.quantization", "torch.masked", "torch.optim", "torch.distributions",
)  # fmt: skip
"""Most of what importing diffusers and transformers brings with it, by size and coverage measured.

First the core of torch, for as long as no worker imports it yet; then what is imported last, and on towards the first.
"""

PACK = Pack(
    name="loom",
    version="0.1.0",
    package="nodes",
    warm_up="nodes.runtime.warm_up:warm_up",
    compiled_ahead=COMPILED_AHEAD,
    codecs={
        "torch.Tensor": "nodes.runtime.codecs:TensorCodec",
        "torch.nn.parameter.Parameter": "nodes.runtime.codecs:TensorCodec",
    },
)
