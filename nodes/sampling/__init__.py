"""The pure mathematics of sampling: noise tables, sigma schedules, solvers, guidance and seeded noise."""

__all__ = ["ancestral", "guidance", "multistep", "noise", "one_step", "prediction", "schedules", "solvers", "step"]
