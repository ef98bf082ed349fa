"""Answers tensors of the meta device, sparse and quantised ones, and ones conjugated lazily; the rest deserves 4."""


# %% center
def center(x):
    right = x - x.mean(dim=0)
    return right.to("meta") if len(x) > 1 else right.to_sparse()
