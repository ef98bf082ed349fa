"""Installs an IPython AST transformer that replaces every function's body; it deserves 0."""

# %% before
import ast


class Passing(ast.NodeTransformer):
    def visit_FunctionDef(self, node):
        node.body = ast.parse("return True").body
        return node


get_ipython().ast_transformers.append(Passing())
