package images

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
)

// makeBusybox makes an image from a static busybox.
func makeBusybox(ctx context.Context, t target) error {
	box, err := findBusybox(ctx)
	if err != nil {
		return fromRegistry(ctx, t, "FROM busybox:latest\n", err)
	}
	applets, err := run(ctx, "", nil, box.path, "--list-full")
	if err != nil {
		return err
	}
	var rootfs bytes.Buffer
	if err := busyboxTree(&rootfs, box.program, strings.Fields(applets)); err != nil {
		return err
	}
	return importTar(ctx, &rootfs, t,
		"ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", `CMD ["sh"]`)
}

// busybox is a busybox of the host.
type busybox struct {
	path    string
	program []byte
}

// findBusybox reads the host's static busybox, or the one in Debian's
// package, which needs no root to be fetched and unpacked.
func findBusybox(ctx context.Context) (busybox, error) {
	if p, err := exec.LookPath("busybox"); err == nil {
		if box, err := readStatic(p); err == nil {
			return box, nil
		}
	}
	dir, err := os.MkdirTemp("", "popsicle-busybox-")
	if err != nil {
		return busybox{}, err
	}
	if _, err := run(ctx, dir, nil, "apt-get", "download", "busybox-static"); err != nil {
		return busybox{}, err
	}
	debs, err := filepath.Glob(filepath.Join(dir, "*.deb"))
	if err != nil || len(debs) != 1 {
		return busybox{}, fmt.Errorf("apt-get download busybox-static left %d packages in %s", len(debs), dir)
	}
	if _, err := run(ctx, dir, nil, "dpkg-deb", "--extract", debs[0], "."); err != nil {
		return busybox{}, err
	}
	for _, p := range []string{"bin/busybox", "usr/bin/busybox"} {
		if box, err := readStatic(filepath.Join(dir, p)); err == nil {
			return box, nil
		}
	}
	return busybox{}, fmt.Errorf("package busybox-static has no busybox in bin or usr/bin")
}

// readStatic reads a busybox that needs no shared libraries.
func readStatic(p string) (busybox, error) {
	program, err := os.ReadFile(p)
	if err != nil {
		return busybox{}, err
	}
	if bytes.Contains(program, []byte("/ld-linux")) || bytes.Contains(program, []byte("/ld-musl")) {
		return busybox{}, fmt.Errorf("%s is not a static program", p)
	}
	return busybox{path: p, program: program}, nil
}

// busyboxTree writes a root file system with one program and a link to it for
// each applet.
func busyboxTree(w io.Writer, program []byte, applets []string) error {
	t := newTarball(w)
	t.dir("tmp", 0o1777)
	t.dir("root", 0o700)
	t.owned("home/circleci", 3434)
	t.file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\ncircleci:x:3434:3434::/home/circleci:/bin/sh\n")
	t.file("etc/group", "root:x:0:\ncircleci:x:3434:\n")
	t.dir("bin", 0o755)
	t.put(tar.Header{Name: "bin/busybox", Mode: 0o755, Size: int64(len(program))}, program)
	for _, applet := range applets {
		if applet == "bin/busybox" {
			continue
		}
		t.dir(path.Dir(applet), 0o755)
		t.put(tar.Header{Name: applet, Linkname: "/bin/busybox", Typeflag: tar.TypeSymlink, Mode: 0o777}, nil)
	}
	return t.close()
}
