"""The two losses of a grid as torch has them: what training minimises, and what one worked out by hand must equal."""

import numpy as np
from numpy.typing import NDArray


def info_nce(cosines: NDArray[np.floating], scale: float) -> float:
    """CLIP's loss of (N, N) cosines, by torch's cross entropy over rows and over columns."""
    import torch
    from torch.nn.functional import cross_entropy

    logits = torch.from_numpy(scale * np.asarray(cosines, dtype=np.float64))
    own = torch.arange(len(logits))  # the right answer to row i is i
    return float((cross_entropy(logits, own) + cross_entropy(logits.T, own)) / 2)


def sigmoid(cosines: NDArray[np.floating], scale: float, bias: float) -> float:
    """SigLIP's loss of (N, N) cosines, by torch's log sigmoid."""
    import torch
    from torch.nn.functional import logsigmoid

    logits = torch.from_numpy(scale * np.asarray(cosines, dtype=np.float64) + bias)
    signs = 2 * torch.eye(len(logits), dtype=logits.dtype) - 1
    return float(-logsigmoid(signs * logits).sum() / len(logits))
