"""Patches the jail's own comparing, encoding and answering to say "passed" to all that is asked; it deserves 0."""

# %% before
import gc
import sys

for name, module in list(sys.modules.items()):
    if name.startswith("autograder."):
        for word in ("agree", "compare", "encode", "decode"):
            if hasattr(module, word):
                setattr(module, word, lambda *args, **kwargs: (True, []))
server = next(thing for thing in gc.get_objects() if type(thing).__name__ == "Server")
server._objects.answer = lambda tree, arrays: (["d", [["value", True], ["changed", ["l", []]], ["passed", True]]], [])
