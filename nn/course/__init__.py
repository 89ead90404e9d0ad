"""What the course's notebooks call: questions that answer back, laws for a student's own engine.

`check("01.3", answer)` says at once right or wrong, and where wrong, which idea is missing.
`hint` gives one hint at a time, `reveal` the answer to who has tried. `check_engine(MyValue)`
tries the laws of a scalar engine on a class of the student's.
"""

from nn.course.check import check, hint, reveal
from nn.course.engine import check_engine

__all__ = ["check", "check_engine", "hint", "reveal"]
