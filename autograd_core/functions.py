"""Functions to call by name, as those of NumPy are: on numbers, on Values, on arrays.

A row of the derivative table is a function already; here each has the name that NumPy, or else
PyTorch, knows it by. The second table has the rows that fewer programs need.

>>> from autograd_core import Value
>>> x = Value(0.5)
>>> y = erf(x) + arctan2(x, 2.0)
>>> y.backward()
>>> print(f"{y:.6f}, slope {x.grad:.6f}; {erf(0.5):.6f}")
0.765479, slope 1.349371; 0.520500
"""

from __future__ import annotations

import math

from autograd_core import engine, numerics
from autograd_core.engine import BASIC, EXP, RELU, SIGMOID, STEP, Op

exp, log, sqrt = engine.EXP, engine.LOG, engine.SQRT
expm1, log1p, log2, log10 = engine.EXPM1, engine.LOG1P, engine.LOG2, engine.LOG10
sin, cos, tan = engine.SIN, engine.COS, engine.TAN
sinh, cosh, tanh = engine.SINH, engine.COSH, engine.TANH
arcsin, arccos, arctan, arctan2 = engine.ARCSIN, engine.ARCCOS, engine.ARCTAN, engine.ARCTAN2
hypot, mod, floor, ceil = engine.HYPOT, engine.MOD, engine.FLOOR, engine.CEIL
sigmoid, softplus, step, relu = engine.SIGMOID, engine.SOFTPLUS, engine.STEP, engine.RELU

# --- The second derivative table ---------------------------------------------------------------

ROOT_2, ROOT_PI = math.sqrt(2), math.sqrt(math.pi)

# fmt: off
erf  = Op("erf",  math.erf,         lambda z, x: (2 / ROOT_PI * EXP(-x * x),),         numerics.erf_array)
erfc = Op("erfc", math.erfc,        lambda z, x: (-2 / ROOT_PI * EXP(-x * x),),        numerics.erfc_array)
gelu = Op("gelu", lambda x: 0.5 * x * math.erfc(-x / ROOT_2),
          lambda z, x: (0.5 * erfc(-x / ROOT_2) + x * EXP(-0.5 * x * x) / (ROOT_2 * ROOT_PI),),
          lambda np, x: 0.5 * x * numerics.erfc_array(np, -x / ROOT_2))
silu = Op("silu", lambda x: x * numerics.sigmoid(x),
          lambda z, x: (SIGMOID(x) * (1 + x * SIGMOID(-x)),),
          lambda np, x: x * numerics.sigmoid_array(np, x))
elu  = Op("elu",  numerics.elu,     lambda z, x: (EXP(-RELU(-x)),),                    numerics.elu_array)
sign = Op("sign", numerics.sign,    lambda z, x: (0.0,),                               "sign")
where = Op("where", lambda c, x, y: x if c > 0 else y,  # what to take where c is above 0, and else
           lambda z, c, x, y: (0.0, STEP(c), 1 - STEP(c)),
           lambda np, c, x, y: np.where(c > 0, x, y))
# fmt: on

OPS = (*BASIC, erf, erfc, gelu, silu, elu, sign, where)

# --- The same under the names of Python's math --------------------------------------------------

asin, acos, atan, atan2 = arcsin, arccos, arctan, arctan2
