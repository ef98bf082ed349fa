"""Puts a zip and a tar whose members lead out of the folder beside a right notebook, which deserves 8."""

import io
import tarfile
import zipfile


def make(hand_in):
    hand_in.save()
    slip = f"../../../../../../../../../../tmp/{hand_in.facts['MARK']}"
    with zipfile.ZipFile(hand_in.folder / "wall.zip", "w") as archive:
        archive.writestr(slip, "slipped")
        archive.writestr("../../student-001/wall/wall.ipynb", "slipped")
    with tarfile.open(hand_in.folder / "wall.tar.gz", "w:gz") as archive:
        entry = tarfile.TarInfo(slip)
        entry.size = 7
        archive.addfile(entry, io.BytesIO(b"slipped"))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/"
        archive.addfile(link)
