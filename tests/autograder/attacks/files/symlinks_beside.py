"""Puts links to checks, seed and neighbours, in circles and to devices, beside a right notebook, which deserves 8."""


def make(hand_in):
    course = hand_in.facts["COURSE"]
    hand_in.save()
    for name, target in {
        "checks.txt": f"{course}/tests/wall/test_wall.py",
        "seed": f"{course}/.course/seed",
        "tests": f"{course}/tests",
        "neighbour": f"{course}/submitted/student-001",
        "circle": "circle",
        "up": "..",
        "endless": "/dev/zero",
        "timestamp.txt": f"{course}/.course/seed",
    }.items():
        (hand_in.folder / name).symlink_to(target)
