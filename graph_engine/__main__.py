"""Decides that ``python -m graph_engine`` is the command ``loom``."""

from graph_engine.cli import main

if __name__ == "__main__":
    main()
