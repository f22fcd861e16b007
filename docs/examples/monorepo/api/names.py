import json
import pathlib

LIMITS = json.loads((pathlib.Path(__file__).parent / "../shared/limits.json").read_text())


def accept(name):
    return 0 < len(name) <= LIMITS["longest"]
