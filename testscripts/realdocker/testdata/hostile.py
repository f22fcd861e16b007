"""Makes everything in a folder that a cache or an artifact should not trip over."""
import os
import socket
import sys

os.makedirs(sys.argv[1])
os.chdir(sys.argv[1])
names = (b"new\nline", b"bad\xff\xfe", b"L" * 255, b"-rf", b" space ", b"tab\t\"quote'$(id)`id`", b"\x1b[31mred", b"--checkpoint-action=exec=id")
for name in names:
    with open(name, "wb") as f:
        f.write(name)
for target, link in (("/", "toroot"), ("/etc/passwd", "topasswd"), ("../../../etc/passwd", "up"), ("nowhere", "broken"), ("loop", "loop")):
    os.symlink(target, link)
with open("one", "w") as f:
    f.write("one")
os.link("one", "hard")
os.mkfifo("fifo")
socket.socket(socket.AF_UNIX).bind("socket")
try:
    os.mknod("device", 0o20666, os.makedev(1, 3))
except OSError as e:
    print(e)
with open("setuid", "w") as f:
    f.write("setuid")
os.chmod("setuid", 0o6755)


def deep(name, folders, folder):
    """Makes a file so many folders deep; a path that long cannot be opened."""
    os.mkdir(name)
    at = os.open(name, os.O_RDONLY)
    for _ in range(folders):
        os.mkdir(folder, dir_fd=at)
        below = os.open(folder, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    f = os.open("bottom", os.O_CREAT | os.O_WRONLY, dir_fd=at)
    os.write(f, b"bottom")
    os.close(f)


deep("deep", 1000, "d")
deep("toodeep", 1000, "d1234")
with open("sparse", "w") as f:
    f.truncate(1 << 20)
