"""The functions of HIPS autograd and of MyGrad: which are here, with their values and gradients.

Each is called as NumPy spells it, on arrays: of numbers, of Values, and of what is recorded. What
is not here is refused, with a reason; none is silently another function.
"""

import numpy as np
import pytest

from autograd_core import Value, compile, functions, value_and_grad
from autograd_core.arrays import ValueArray
from nn import losses
from tests.rows import over

rng = np.random.default_rng(0)
A = rng.uniform(0.2, 0.9, (2, 3))
B = rng.uniform(0.2, 0.9, (2, 3))
SQUARE = rng.uniform(0.2, 0.9, (3, 3))
VECTOR = rng.uniform(0.2, 0.9, 3)


def words(text):
    return text.split()


# What each has a gradient of, by the names it goes by; but for what only its own machinery calls.
HIPS = words("""
    abs absolute add amax amin angle arccos arccosh arcsin arcsinh arctan arctan2 arctanh
    array_split atleast_1d atleast_2d atleast_3d beta betainc betaln broadcast_to cdf cholesky
    clip concatenate conjugate convolve cos cosh cross cumsum deg2rad degrees det diag diagonal
    diff divide dot dsplit eig eigh einsum entropy erf erfc erfcinv erfinv exp exp2 expand_dims
    expit expm1 fabs fft fft2 fftn fftshift fliplr flipud fmax fmin full gamma gammainc
    gammaincc gammaln gammasgn getitem gradient hsplit hypot i0 i1 ifft ifft2 ifftn ifftshift
    imag inner inv irfft irfft2 irfftn iv ive j0 j1 jv kron linspace log log10 log1p log2
    logaddexp logaddexp2 logcdf logit logpdf logpmf logsf logsumexp matmul max maximum mean min
    minimum moveaxis multigammaln multiply nan_to_num negative norm odeint outer pad partition
    pdf pinv pmf polygamma power prod psi rad2deg radians ravel real real_if_close reciprocal
    remainder repeat reshape rfft rfft2 rfftn rgamma roll rollaxis rot90 sf sin sinc sinh
    slogdet solve sort split sqrt square squeeze std subtract sum svd swapaxes tan tanh
    tensordot tile trace transpose tril triu true_divide var vsplit where y0 y1 yn
""")
MYGRAD = words("""
    abs absolute add amax amin arccos arccosh arccot arccoth arccsc arccsch arcsec arcsin
    arcsinh arctan arctan2 arctanh atleast_1d atleast_2d atleast_3d broadcast_to cbrt ceil clip
    concatenate cos cosh cot coth csc csch cumprod cumsum divide einsum elu exp exp2 expand_dims
    expm1 floor floor_divide fmod focal_loss getitem glu hard_tanh leaky_relu log log10 log1p
    log2 logaddexp logaddexp2 logsoftmax margin_ranking_loss matmul max maximum mean min minimum
    mod moveaxis multi_matmul multiclass_hinge multiply negative negative_log_likelihood
    positive power prod ravel reciprocal relu remainder repeat reshape rint roll sec sech selu
    sigmoid sign sin sinc sinh sliding_window_view soft_sign softmax softmax_crossentropy
    softmax_focal_loss sqrt square squeeze stack std subtract sum swapaxes tan tanh transpose
    true_divide trunc var where
""")

# --- What is here ------------------------------------------------------------------------------

ELEMENTWISE = words("""
    abs absolute arccos arcsin arcsinh arctan arctanh cbrt ceil conjugate cos cosh deg2rad degrees
    exp exp2 expm1 fabs floor log log10 log1p log2 negative positive rad2deg radians real reciprocal
    sign sin sinc sinh sqrt square tan tanh
""")
OF_TWO = words("""
    add arctan2 divide hypot logaddexp logaddexp2 maximum minimum mod multiply power remainder
    subtract true_divide
""")
ALONG = words("amax amin cumprod cumsum diff max mean min prod std sum var")


def along_axis(name):
    return lambda x: getattr(np, name)(x, axis=0)


TABLE = {
    **{name: (getattr(np, name), A) for name in ELEMENTWISE},
    **{name: (getattr(np, name), A, B) for name in OF_TWO},
    **{name: (along_axis(name), A) for name in ALONG},
    "arccosh": (np.arccosh, 1 + A),
    "angle": (np.angle, A),
    "imag": (lambda x: x + np.imag(x), A),
    "real_if_close": (np.real_if_close, A),
    "sum: of all": (np.sum, A),
    "sum: keepdims": (lambda x: np.sum(x, axis=1, keepdims=True), A),
    "clip": (lambda x: np.clip(x, 0.3, 0.6), A),
    "where": (lambda x, y: np.where(A > 0.5, x, y), A, B),
    "where: of a comparison": (lambda x, y: np.where(x > 0.5, x, y), A, B),
    "dot": (lambda x, y: np.dot(x, y), SQUARE, VECTOR),
    "dot: of matrices": (lambda x, y: np.dot(x, y), A, SQUARE),
    "matmul": (lambda x, y: x @ y, A, SQUARE),
    "inner": (np.inner, VECTOR, VECTOR[::-1].copy()),
    "outer": (np.outer, VECTOR, VECTOR),
    "kron": (np.kron, VECTOR, VECTOR),
    "tensordot": (lambda x, y: np.tensordot(x, y, axes=1), A, SQUARE),
    "einsum": (lambda x, y: np.einsum("ij,jk->ik", x, y), A, SQUARE),
    "cross": (np.cross, VECTOR, VECTOR[::-1].copy()),
    "convolve": (np.convolve, VECTOR, VECTOR),
    "trace": (np.trace, SQUARE),
    "diag": (np.diag, SQUARE),
    "diagonal": (np.diagonal, SQUARE),
    "tril": (np.tril, SQUARE),
    "triu": (np.triu, SQUARE),
    "norm": (np.linalg.norm, VECTOR),
    "reshape": (lambda x: np.reshape(x, (3, 2)), A),
    "ravel": (np.ravel, A),
    "transpose": (np.transpose, A),
    "swapaxes": (lambda x: np.swapaxes(x, 0, 1), A),
    "moveaxis": (lambda x: np.moveaxis(x, 0, 1), A),
    "rollaxis": (lambda x: np.rollaxis(x, 1), A),
    "squeeze": (np.squeeze, A[:1]),
    "expand_dims": (lambda x: np.expand_dims(x, 1), A),
    "atleast_1d": (np.atleast_1d, A),
    "atleast_2d": (np.atleast_2d, VECTOR),
    "atleast_3d": (np.atleast_3d, A),
    "broadcast_to": (lambda x: np.broadcast_to(x, (2, 3)), VECTOR),
    "concatenate": (lambda x, y: np.concatenate([x, y], axis=1), A, B),
    "stack": (lambda x, y: np.stack([x, y]), A, B),
    "split": (lambda x: np.split(x, 3, axis=1)[1], A),
    "array_split": (lambda x: np.array_split(x, 2, axis=1)[1], A),
    "hsplit": (lambda x: np.hsplit(x, 3)[1], A),
    "vsplit": (lambda x: np.vsplit(x, 2)[1], A),
    "dsplit": (lambda x: np.dsplit(x[None], 3)[1], A),
    "repeat": (lambda x: np.repeat(x, 2, axis=0), A),
    "tile": (lambda x: np.tile(x, 2), A),
    "roll": (lambda x: np.roll(x, 1), A),
    "fliplr": (np.fliplr, A),
    "flipud": (np.flipud, A),
    "rot90": (np.rot90, A),
    "pad": (lambda x: np.pad(x, 1), A),
    "getitem": (lambda x: x[1:, [0, 2]], A),
    "full": (lambda x: np.full((2,), x[0]), VECTOR),
    "sigmoid": (functions.sigmoid, A),
    "expit": (functions.sigmoid, A),
    "erf": (functions.erf, A),
    "erfc": (functions.erfc, A),
    "relu": (functions.relu, A - 0.5),
    "elu": (functions.elu, A - 0.5),
    "logsumexp": (lambda x: np.logaddexp.reduce(x, axis=1, keepdims=True), A),
    "logsoftmax": (lambda x: x - np.logaddexp.reduce(x, axis=1, keepdims=True), A),
    "softmax": (lambda x: np.exp(x - np.logaddexp.reduce(x, axis=1, keepdims=True)), A),
    "multiply: by a comparison": (lambda x, y: x * (x > y), A, B),
}

# --- What is not ---------------------------------------------------------------------------------

COMPLEX = "there are no complex numbers"
LIBRARY = "a routine for numbers: write it with + - * / as loops, or an Op of your own"
SPECIAL = "an Op of your own takes one line, where a library has the function and its slope"
IN_OPS = "written in one line of what is here"
OF_NN = "a loss of `nn.losses`, or one written in a line"
BY_ORDER = "which number is chosen depends on the numbers: a program cannot follow"
STEPS = "it has slope 0 wherever it has one: floor or ceil"

NOT_HERE = {
    **dict.fromkeys(words("fft fft2 fftn fftshift ifft ifft2 ifftn"), COMPLEX),
    **dict.fromkeys(words("ifftshift irfft irfft2 irfftn rfft rfft2 rfftn"), COMPLEX),
    **dict.fromkeys(words("cholesky det eig eigh inv pinv slogdet solve svd odeint"), LIBRARY),
    **dict.fromkeys(
        words("beta betainc betaln gamma gammainc gammaincc gammaln gammasgn"), SPECIAL
    ),
    **dict.fromkeys(
        words("multigammaln polygamma psi rgamma erfinv erfcinv i0 i1 iv ive j0"), SPECIAL
    ),
    **dict.fromkeys(words("j1 jv y0 y1 yn"), SPECIAL),
    **dict.fromkeys(words("cdf entropy logcdf logpdf logpmf logsf pdf pmf sf logit"), IN_OPS),
    **dict.fromkeys(
        words("cot coth csc csch sec sech arccot arccoth arccsc arccsch arcsec"), IN_OPS
    ),
    **dict.fromkeys(
        words("glu hard_tanh selu soft_sign multi_matmul linspace gradient fmod"), IN_OPS
    ),
    **dict.fromkeys(
        words("fmax fmin nan_to_num"), "NaN is no number to choose by: maximum, minimum"
    ),
    **dict.fromkeys(words("partition sort"), BY_ORDER),
    **dict.fromkeys(words("floor_divide rint trunc"), STEPS),
    **dict.fromkeys(words("focal_loss margin_ranking_loss multiclass_hinge"), OF_NN),
    **dict.fromkeys(words("softmax_focal_loss"), OF_NN),
    "sliding_window_view": "views of one array would be written to by nobody: slices",
}
ELSEWHERE = {  # what has another name here, and its place
    "leaky_relu": Value.leaky_relu,
    "negative_log_likelihood": losses.nll,
    "softmax_crossentropy": losses.cross_entropy,
}
REFUSED = {  # of those, what NumPy is called for: it must not give another number in silence
    "fft": np.fft.fft,
    "rfft": np.fft.rfft,
    "cholesky": lambda x: np.linalg.cholesky(np.outer(x, x)),
    "det": lambda x: np.linalg.det(np.outer(x, x)),
    "eig": lambda x: np.linalg.eig(np.outer(x, x))[0],
    "inv": lambda x: np.linalg.inv(np.outer(x, x)),
    "solve": lambda x: np.linalg.solve(np.outer(x, x), x),
    "svd": lambda x: np.linalg.svd(np.outer(x, x))[1],
    "i0": np.i0,
    "fmax": lambda x: np.fmax(x, 0.5),
    "fmin": lambda x: np.fmin(x, 0.5),
    "nan_to_num": np.nan_to_num,
    "sort": np.sort,
    "partition": lambda x: np.partition(x, 1),
    "floor_divide": lambda x: np.floor_divide(x, 0.3),
    "rint": np.rint,
    "trunc": np.trunc,
    "fmod": lambda x: np.fmod(x, 0.3),
    "linspace": lambda x: np.linspace(x[0], x[1], 3),
    "gradient": np.gradient,
}

# --- Tests ---------------------------------------------------------------------------------------


def test_every_function_of_theirs_is_here_or_is_not_for_a_reason():
    here = {name.partition(":")[0] for name in TABLE}
    assert here.isdisjoint(NOT_HERE)
    assert {*HIPS, *MYGRAD} == {*here, *NOT_HERE, *ELSEWHERE}
    assert set(REFUSED) <= set(NOT_HERE)


def weighted(f):
    """One number of an array, in which each item counts."""

    def of_all(*xs):
        z = np.ravel(f(*xs))
        return sum(weight * item for weight, item in zip(np.cos(np.arange(len(z))).tolist(), z))

    return of_all


def measured(f, args):
    """The slope along each number, by differences."""
    found = []
    for i, x in enumerate(args):
        for place in np.ndindex(x.shape):
            ends = []
            for step in (1e-6, -1e-6):
                moved = [y.copy() for y in args]
                moved[i][place] += step
                ends.append(f(*moved))
            found.append((ends[0] - ends[1]) / 2e-6)
    return found


def array_of_values(x):
    return np.vectorize(Value, otypes=[object])(x).view(ValueArray)


@over(("f", "args"), {name: (f, args) for name, (f, *args) in TABLE.items()})
def test_it_has_numpys_values_and_their_slopes_eager_and_compiled(f, args):
    expected = f(*args)
    arrays = list(map(array_of_values, args))
    found = f(*arrays)
    data = [v.data if isinstance(v, Value) else v for v in np.ravel(found)]
    assert np.shape(found) == np.shape(expected)
    np.testing.assert_allclose(data, np.ravel(expected), rtol=1e-13)
    whole, slopes = weighted(f), measured(weighted(f), args)
    whole(*arrays).backward()
    np.testing.assert_allclose([v.grad for x in arrays for v in x.flat], slopes, atol=1e-7)
    value, along = value_and_grad(lambda xs: whole(*xs))(args)
    assert value == pytest.approx(whole(*args), rel=1e-12)
    np.testing.assert_allclose(np.concatenate([x.ravel() for x in along]), slopes, atol=1e-7)


@over("f", REFUSED)
def test_what_is_not_here_is_refused_where_it_is_recorded(f):
    with pytest.raises((TypeError, ValueError, AttributeError)):
        compile(weighted(f))(VECTOR)
