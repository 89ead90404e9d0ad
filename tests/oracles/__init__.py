"""Backpropagation as five lecture documents write it by hand, in plain NumPy.

One module a document, to be laid beside it: its letters, its order, its conventions. They
contradict each other, so each says which are its own. Where a printed formula is wrong, the
module has the right one, and a comment says what is printed: in the copies at hand, some of
which are scans, so the slip may be the copy's. No module here imports the engine: they are what
it is tested against.

| document                              | W leads  | biases | output    | loss                   |
|---------------------------------------|----------|--------|-----------|------------------------|
| "Neural Networks and Backpropagation" | from, to | no     | linear    | any ℓ of one output    |
| "Deep Feedforward Networks"           | to, from | yes    | as hidden | any                    |
|   its 2-2-2 network                   | from, to | no     | sigmoid   | ½ Σ (y - ŷ)²           |
|   its linear model of XOR             | to one   | yes    | linear    | (y - ŷ)², mean of 4    |
| "CS7015 Lecture 4"                    | to, from | yes    | softmax   | -log ŷ_ℓ, mean of N    |
|   its thin network                    | one unit | no     | linear    | (ŷ - y)²               |
| "Neural Network Structure"            | from, to | no     | linear    | Σ (z - y)², sum of all |
|                                       |          |        | softmax   | -Σ y log p, sum of all |
| "Deep Learning"                       | to, from | yes    | sigmoid   | binary cross entropy   |

"from, to": W is n_in x n_out and z_j = Σ_i a_i W[i, j]. "to, from": W is n_out x n_in and
z_i = Σ_j W[i, j] a_j, as in `nn`. Layers count from 1, as in the documents, so what belongs to a
layer is kept in a dict; units count from 0, as in Python.
"""
