"""Two notebooks, neither under the right name."""

import json

NAME = "draft.ipynb"
FILES = {"final.ipynb": json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}).encode()}


def make(notebook):
    return notebook
