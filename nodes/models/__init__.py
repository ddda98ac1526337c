"""Model families: how each is told from its files' headers, loaded, conditioned and evaluated."""
