"""Nothing was done."""


def make(notebook):
    for cell in notebook["cells"]:
        if cell["id"].startswith("blank-"):
            name = cell["id"].removeprefix("blank-")
            cell["source"] = f"def {name}(x):\n    # YOUR CODE HERE\n    raise NotImplementedError()"
        if cell["id"].startswith("written-"):
            cell["source"] = "YOUR ANSWER HERE"
    return notebook
