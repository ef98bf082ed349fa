from autograder import edited

edited(
    "double", "squared", old="return x + x", new="return x * x",
    hint="This is x times x. Twice x is x plus x.",
)  # fmt: skip
edited(
    "center", "mean over features", old="x.mean(axis=0)", new="x.mean(axis=1, keepdims=True)",
    hint="This subtracts the mean over the features, axis 1. Examples lie along axis 0.",
)  # fmt: skip
