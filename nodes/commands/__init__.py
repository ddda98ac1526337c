"""Commands that this pack adds to ``loom``. What is heavy is imported when a command runs, so that ``loom --help`` stays quick."""
