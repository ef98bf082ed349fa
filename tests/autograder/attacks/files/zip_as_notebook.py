"""Hands in a zip archive under the notebook's name whose members lead out of the folder; it deserves 0.

Says: is a zip archive
"""

import io
import zipfile


def make(hand_in):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name in ("../../../../.course/seed", f"/tmp/{hand_in.facts['MARK']}", "../../student-001/wall/wall.ipynb"):
            file.writestr(name, "slipped")
    hand_in.save(archive.getvalue())
