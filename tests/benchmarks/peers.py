"""The same training in other libraries, each as its users would write it, in float64.

What is absent is left out.
"""

# ruff: noqa: PLW2901 (arrays are changed in place)

from importlib.metadata import version

from tests.benchmarks.by_hand import by_hand, in_buffers
from tests.benchmarks.measure import Steps, has
from tests.benchmarks.micrograd_style import micrograd


def torch_modules(problem):
    """PyTorch: modules and an optimiser."""
    import torch
    from torch import nn

    torch.set_num_threads(1)
    pairs = problem.layers()
    linear = [nn.Linear(*W.shape, dtype=torch.float64) for W, _ in pairs]
    for layer, (W, b) in zip(linear, pairs):
        layer.weight.data, layer.bias.data = torch.tensor(W.T.copy()), torch.tensor(b)
    hidden = [module for layer in linear[:-1] for module in (layer, nn.ReLU())]
    model = nn.Sequential(*hidden, linear[-1])
    parameters = list(model.parameters())
    optimizer = torch.optim.SGD(parameters, lr=problem.rate)
    X, y = torch.tensor(problem.X), torch.tensor(problem.y)

    def step():
        loss = torch_loss(problem, model(X), y, parameters)
        optimizer.zero_grad()
        loss.backward()
        if problem.rate:
            optimizer.step()
        return loss.detach()

    return Steps(step)


def torch_functional(problem):
    """PyTorch: tensors and functions, without modules and an optimiser."""
    import torch

    torch.set_num_threads(1)
    parameters = [torch.tensor(p, requires_grad=True) for layer in problem.layers() for p in layer]
    pairs = list(zip(parameters[::2], parameters[1::2]))
    X, y = torch.tensor(problem.X), torch.tensor(problem.y)

    def step():
        a = X
        for W, b in pairs[:-1]:
            a = torch.relu(torch.addmm(b, a, W))
        W, b = pairs[-1]
        loss = torch_loss(problem, torch.addmm(b, a, W), y, parameters)
        gradients = torch.autograd.grad(loss, parameters)
        if problem.rate:
            with torch.no_grad():
                torch._foreach_add_(parameters, gradients, alpha=-problem.rate)
        return loss.detach()

    return Steps(step)


def torch_loss(problem, outputs, y, parameters):
    """The mean loss over the batch."""
    import torch

    if problem.loss == "output":
        return outputs[0, 0]
    if problem.loss == "cross entropy":
        return torch.nn.functional.cross_entropy(outputs, y)
    loss = torch.relu(1 - y * outputs[:, 0]).mean()
    return loss + problem.decay * sum((p * p).sum() for p in parameters)


def numpy_loss(np, logsumexp, problem):
    """The mean loss over the batch, in a library that differentiates NumPy code."""

    def loss(layers, X, y):
        a = X
        for W, b in layers[:-1]:
            a = np.maximum(a @ W + b, 0)
        W, b = layers[-1]
        z = a @ W + b
        if problem.loss == "output":
            return z[0, 0]
        if problem.loss == "cross entropy":
            return np.mean(logsumexp(z, axis=1) - z[np.arange(len(y)), y])
        squares = sum(np.sum(p * p) for layer in layers for p in layer)
        return np.mean(np.maximum(1 - y * z[:, 0], 0)) + problem.decay * squares

    return loss


def jax_jit(problem):
    """JAX: the whole step compiled, the old parameters' memory given back for the new ones."""
    import jax
    from jax import numpy
    from jax.scipy.special import logsumexp

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_cpu_enable_async_dispatch", False)  # it would take a second thread
    gradient = jax.value_and_grad(numpy_loss(numpy, logsumexp, problem))

    def update(layers, X, y):
        loss, slopes = gradient(layers, X, y)
        if not problem.rate:
            return loss, slopes
        return loss, jax.tree.map(lambda p, g: p - problem.rate * g, layers, slopes)

    X, y, layers = jax.tree.map(numpy.array, (problem.X, problem.y, problem.layers()))
    compiled = jax.jit(update, donate_argnums=0 if problem.rate else ())

    def step():
        nonlocal layers
        loss, new = compiled(layers, X, y)
        if problem.rate:
            layers = new
        return loss

    return Steps(step)


def hips_autograd(problem):
    """HIPS autograd: NumPy code, differentiated."""
    from autograd import numpy, value_and_grad
    from autograd.scipy.special import logsumexp

    gradient = value_and_grad(numpy_loss(numpy, logsumexp, problem))
    layers = problem.layers()

    def step():
        loss, slopes = gradient(layers, problem.X, problem.y)
        if problem.rate:
            for layer, slope in zip(layers, slopes):
                for p, g in zip(layer, slope):
                    p -= problem.rate * g
        return loss

    return Steps(step)


def casadi_sx(problem):
    """CasADi: the whole step as one symbolic function; for big batches one example's, mapped."""
    import casadi
    import numpy as np

    layers = problem.layers()
    start = np.concatenate([p.ravel() for W, b in layers for p in (W, b)])
    theta = casadi.SX.sym("theta", start.size)

    def outputs(x):
        at = 0
        for W, b in layers:
            weights = casadi.reshape(theta[at : at + W.size], W.shape[::-1])  # by columns
            biases = theta[at + W.size : at + W.size + b.size]
            at += W.size + b.size
            x = weights @ x + casadi.repmat(biases, 1, x.shape[1])
            if at < start.size:
                x = casadi.fmax(x, 0)
        return x

    def summed(x, y):
        z = outputs(x)
        if problem.loss == "output":
            return z
        if problem.loss == "cross entropy":
            return casadi.sum2(casadi.log(casadi.sum1(casadi.exp(z))) - casadi.sum1(y * z))
        return casadi.sum2(casadi.fmax(1 - y * z, 0))

    X = casadi.DM(problem.X.T)
    Y = casadi.DM(problem.classes.T if problem.loss == "cross entropy" else problem.y[None])
    if problem.X.size < 2500:  # beyond, symbols take too long
        loss = summed(X, Y) / problem.n + problem.decay * casadi.dot(theta, theta)
        updated = theta - problem.rate * casadi.gradient(loss, theta)
        function = casadi.Function("step", [theta], [loss, updated])
    else:
        x, y = casadi.SX.sym("x", X.shape[0]), casadi.SX.sym("y", Y.shape[0])
        loss = summed(x, y)
        one = casadi.Function("one", [theta, x, y], [loss, casadi.gradient(loss, theta)])
        all_of_them = one.map("all", "serial", problem.n, [0], [0, 1])
        p = casadi.MX.sym("theta", start.size)
        loss, slope = all_of_them(p, X, Y)
        squares = problem.decay * casadi.dot(p, p)
        slope = slope / problem.n + 2 * problem.decay * p
        result = [loss / problem.n + squares, p - problem.rate * slope]
        function = casadi.Function("step", [p], result)
    numbers = casadi.DM(start)

    def step():
        nonlocal numbers
        loss, numbers = function(numbers)
        return loss

    return Steps(step)


def mygrad(problem):
    """MyGrad: NumPy-like tensors."""
    import mygrad as mg
    from mygrad.nnet.activations import relu
    from mygrad.nnet.losses import softmax_crossentropy

    layers = [(mg.tensor(W), mg.tensor(b)) for W, b in problem.layers()]
    parameters = [p for layer in layers for p in layer]

    def step():
        a = problem.X
        for W, b in layers[:-1]:
            a = relu(mg.matmul(a, W) + b)
        W, b = layers[-1]
        z = mg.matmul(a, W) + b
        if problem.loss == "output":
            loss = z[0, 0]
        elif problem.loss == "cross entropy":
            loss = softmax_crossentropy(z, problem.y)
        else:
            squares = sum((p * p).sum() for p in parameters)
            loss = relu(1 - problem.y * z[:, 0]).mean() + problem.decay * squares
        loss.backward()
        if problem.rate:
            for p in parameters:
                p.data -= problem.rate * p.grad
        return loss.item()

    return Steps(step)


# By name: the package that is needed, and the engine.
PEERS = {
    "NumPy by hand": ("numpy", by_hand),
    "NumPy in buffers": ("numpy", in_buffers),
    "PyTorch nn + SGD": ("torch", torch_modules),
    "PyTorch functional": ("torch", torch_functional),
    "JAX jit": ("jax", jax_jit),
    "CasADi": ("casadi", casadi_sx),
    "MyGrad": ("mygrad", mygrad),
    "HIPS autograd": ("autograd", hips_autograd),
    "micrograd": ("micrograd", micrograd),
}


def installed(*without):
    """The engines that there are, by name."""
    return {
        name: engine
        for name, (package, engine) in PEERS.items()
        if name not in without and has(package)
    }


def versions():
    """Which peers there are, in which version, and which are absent."""
    packages = dict.fromkeys(package for package, _ in PEERS.values() if package != "numpy")
    return ", ".join(
        f"{package} {version(package)}" if has(package) else f"{package} absent"
        for package in packages
    )
