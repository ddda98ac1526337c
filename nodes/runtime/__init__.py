"""Where the work is done: devices, weights, tensors as values, previews. Imports torch and declares no node."""
