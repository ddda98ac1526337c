"""The pure mathematics of sampling: noise levels, sigma schedules, solvers, guidance and seeded noise."""
