"""Prints what the call that continues a pipeline says: CONFIG PARAMETERS."""

import json
import os
import sys

with open(sys.argv[1]) as config, open(sys.argv[2]) as parameters:
    print(json.dumps({
        "continuation-key": os.environ["CIRCLE_CONTINUATION_KEY"],
        "configuration": config.read(),
        "parameters": json.load(parameters),
    }))
