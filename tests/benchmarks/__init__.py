"""How fast the project is, and how much memory it takes, beside others: no assertions on time.

`python -m tests.benchmarks` prints a table for each workload, everything measured in one run.
Ratios carry over from machine to machine; times do not.
"""
