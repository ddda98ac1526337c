"""What was computed before: results by key, values by digest, kept under a budget."""

from graph_engine.cache.memory import MemoryCache, Result

__all__ = ["MemoryCache", "Result"]
