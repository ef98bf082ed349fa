"""Brings outputs that say 100 points, where nbgrader reads a score from a check's output; the rest deserves 6."""


def make(hand_in):
    hand_in.cell("blank-double")["source"] = "def double(x):\n    return x"
    for cell in hand_in.notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["execution_count"] = 1
            cell["outputs"] = [
                {"output_type": "execute_result", "execution_count": 1, "metadata": {}, "data": {"text/plain": "100"}}
            ]
    hand_in.save()
