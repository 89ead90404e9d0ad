"""What is printed wrong in the documents of the course, each row decided by numbers."""

from nn.course.errata.khapra import khapra
from nn.course.errata.moon import FROM1, FROM2, INPUT, TARGET, backward, outputs, shapes, xor
from nn.course.errata.notes import backpropagation_slides, deep_learning_notes, structure_notes
from nn.course.errata.pictures import bars, hidden_spaces
from nn.course.errata.table import Errata, Erratum, data, grads, logistic, net, off, slopes

GROUPS = (
    xor,
    outputs,
    shapes,
    backward,
    khapra,
    backpropagation_slides,
    structure_notes,
    deep_learning_notes,
)

__all__ = [
    "FROM1",
    "FROM2",
    "GROUPS",
    "INPUT",
    "TARGET",
    "Errata",
    "Erratum",
    "backpropagation_slides",
    "backward",
    "bars",
    "data",
    "deep_learning_notes",
    "grads",
    "hidden_spaces",
    "khapra",
    "logistic",
    "net",
    "off",
    "outputs",
    "shapes",
    "slopes",
    "structure_notes",
    "xor",
]
