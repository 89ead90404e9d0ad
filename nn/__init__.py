"""Neural nets out of Values: neurons, layers, losses, optimisers, data sets and training."""

from nn import datasets, losses, optim, plot
from nn.doctor import Diagnosis, Finding, diagnose
from nn.layers import ACTIVATIONS, MLP, Layer, Neuron
from nn.losses import LOSSES
from nn.module import Module
from nn.optim import SGD, Adam, gradient_descent
from nn.readings import GradientNorms
from nn.saving import ModelFileError, load, save
from nn.train import History, evaluate, fit
from nn.trainers import DivergedError

__all__ = [
    "ACTIVATIONS",
    "LOSSES",
    "MLP",
    "SGD",
    "Adam",
    "Diagnosis",
    "DivergedError",
    "Finding",
    "GradientNorms",
    "History",
    "Layer",
    "ModelFileError",
    "Module",
    "Neuron",
    "datasets",
    "diagnose",
    "evaluate",
    "fit",
    "gradient_descent",
    "load",
    "losses",
    "optim",
    "plot",
    "save",
]
