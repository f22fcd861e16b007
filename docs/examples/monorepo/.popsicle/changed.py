"""Prints the parameters of parts/ci.yml: which parts have changed since main.

What is not committed yet counts too. On main itself everything is tested.
"""

import json
import re
import subprocess

PARTS = {
    "api": r"(api|shared)/",
    "web": r"(web|shared)/",
}


def git(*args):
    return subprocess.run(["git", *args], check=True, capture_output=True, text=True).stdout.split()


def main_branch():
    """origin/main, where there is one: the local main may be old."""
    return git("for-each-ref", "--format=%(refname)", "refs/remotes/origin/main", "refs/heads/main")[-1]


if git("branch", "--show-current") == ["main"]:
    print(json.dumps({part: True for part in PARTS}))
else:
    (base,) = git("merge-base", "HEAD", main_branch())
    changed = git("diff", "--name-only", base) + git("ls-files", "--others", "--exclude-standard")
    everything = any(name.startswith(".popsicle/") for name in changed)
    print(json.dumps({
        part: everything or any(re.match(pattern, name) for name in changed)
        for part, pattern in PARTS.items()
    }))
