from autograder import edited

edited(
    "double", "squared", old="return x + x", new="return x * x",
    hint="This is x times x. Twice x is x plus x.",
)  # fmt: skip
edited(
    "center", "mean over features", old="x.mean(dim=0)", new="x.mean(dim=1, keepdim=True)",
    hint="This subtracts the mean over the features, dim 1. Examples lie along dim 0.",
)  # fmt: skip
edited(
    "running", "the sum", old="return self.total / self.count", new="return self.total",
    hint="This is the sum; the mean divides it by how many numbers there were.",
)  # fmt: skip
