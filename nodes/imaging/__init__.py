"""Pictures and masks as tensors: pure functions on [batch, height, width, 3] and [batch, height, width], which know no node."""
