"""The built-in model loom-tiny, and the scripts that drew its data, trained it, exported it and measured it."""
