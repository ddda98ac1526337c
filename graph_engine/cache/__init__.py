"""What was computed before: results by key, values by digest, in memory and on disk, each under a budget."""
