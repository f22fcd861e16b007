package images

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// debianPackages are what the Debian image has beyond the smallest system.
const debianPackages = "ca-certificates,curl,gcc,git,libc6-dev,make,procps,python-is-python3,python3,python3-pip,python3-pytest,sudo"

// debianSetup lines make the image serve as python:3.9 does. Debian's pip
// refuses to install beside Debian's own packages unless it is told that
// nobody minds.
var debianSetup = []string{
	"ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"ENV PIP_BREAK_SYSTEM_PACKAGES=1 PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1",
	`CMD ["bash"]`,
}

// makeDebian makes an image with debootstrap, which takes about a minute.
func makeDebian(ctx context.Context, t target) error {
	root, err := bootstrap(ctx)
	if err != nil {
		return fromRegistry(ctx, t, debianDockerfile(), err)
	}
	defer os.RemoveAll(filepath.Dir(root))
	return importDir(ctx, root, t, debianSetup...)
}

// bootstrap installs Debian into a folder and returns it.
func bootstrap(ctx context.Context) (string, error) {
	if err := needDebootstrap(ctx); err != nil {
		return "", err
	}
	suite, mirror, err := debianMirror(ctx)
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "popsicle-debian-")
	if err != nil {
		return "", err
	}
	root := filepath.Join(dir, "root")
	_, err = run(ctx, "", nil, "debootstrap", "--variant=minbase", "--include="+debianPackages, suite, root, mirror)
	if err == nil {
		err = trimDebian(root)
	}
	if err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	return root, nil
}

// needDebootstrap installs debootstrap where that is possible.
func needDebootstrap(ctx context.Context) error {
	if os.Getuid() != 0 {
		return errors.New("debootstrap needs root: run `sudo make images` once")
	}
	if _, err := exec.LookPath("debootstrap"); err == nil {
		return nil
	}
	_, err := run(ctx, "", nil, "apt-get", "install", "--yes", "--no-install-recommends", "debootstrap")
	return err
}

// debianMirror tells where the host itself gets its packages from.
func debianMirror(ctx context.Context) (suite, mirror string, err error) {
	out, err := run(ctx, "", nil, "apt-get", "indextargets", "--format", "$(RELEASE) $(REPO_URI)", "Created-By: Packages")
	if err != nil {
		return "", "", err
	}
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		if len(f) == 2 && !strings.Contains(f[0], "-") {
			return f[0], f[1], nil
		}
	}
	return "", "", errors.New("apt-get indextargets names no Debian release")
}

// trimDebian removes what no job needs, makes the user of CircleCI's images,
// and lets the image trust whom the host trusts: where the host reaches its
// registries through a proxy with a certificate of its own, so do jobs.
func trimDebian(root string) error {
	for _, dir := range []string{"var/cache/apt/archives", "var/lib/apt/lists", "usr/share/doc", "usr/share/locale", "usr/share/man"} {
		if err := os.RemoveAll(filepath.Join(root, dir)); err != nil {
			return err
		}
	}
	for _, dir := range []string{"var/cache/apt/archives/partial", "var/lib/apt/lists/partial"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			return err
		}
	}
	if err := addUser(root); err != nil {
		return err
	}
	certs, err := os.ReadFile("/etc/ssl/certs/ca-certificates.crt")
	if err != nil {
		return nil //nolint:nilerr // a host without certificates has none to lend
	}
	return os.WriteFile(filepath.Join(root, "etc/ssl/certs/ca-certificates.crt"), certs, 0o644)
}

// addUser makes the user circleci, who may use sudo without a password.
func addUser(root string) error {
	home := filepath.Join(root, "home/circleci")
	if err := os.MkdirAll(home, 0o755); err != nil {
		return err
	}
	if err := os.Chown(home, 3434, 3434); err != nil {
		return err
	}
	for file, line := range map[string]string{
		"etc/passwd":             "circleci:x:3434:3434::/home/circleci:/bin/bash\n",
		"etc/group":              "circleci:x:3434:\n",
		"etc/shadow":             "circleci:*:19000:0:99999:7:::\n",
		"etc/sudoers.d/popsicle": "circleci ALL=NOPASSWD: ALL\n",
	} {
		if err := appendTo(filepath.Join(root, file), line); err != nil {
			return err
		}
	}
	return nil
}

func appendTo(file, line string) error {
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(line)
	return errors.Join(err, f.Close())
}

// importDir makes an image of a folder, streaming it.
func importDir(ctx context.Context, root string, t target, changes ...string) error {
	pack := exec.CommandContext(ctx, "tar", "--create", "--numeric-owner", "--directory", root, ".")
	out, err := pack.StdoutPipe()
	if err != nil {
		return err
	}
	if err := pack.Start(); err != nil {
		return err
	}
	err = importTar(ctx, out, t, changes...)
	// the rest is read so that tar never waits for a docker that is gone
	_, _ = io.Copy(io.Discard, out)
	if werr := pack.Wait(); werr != nil {
		err = errors.Join(err, fmt.Errorf("tar %s: %w", root, werr))
	}
	return err
}

// debianDockerfile is the same image for a machine that has a registry and no
// debootstrap.
func debianDockerfile() string {
	return "FROM debian:bookworm\n" +
		"RUN apt-get update && apt-get install --yes --no-install-recommends " +
		strings.ReplaceAll(debianPackages, ",", " ") + " && rm -rf /var/lib/apt/lists/*\n" +
		"RUN groupadd --gid 3434 circleci && useradd --uid 3434 --gid 3434 --create-home --shell /bin/bash circleci" +
		" && echo 'circleci ALL=NOPASSWD: ALL' > /etc/sudoers.d/popsicle\n" +
		strings.Join(debianSetup, "\n") + "\n"
}

// makeCimg makes the image that runs as the user circleci.
func makeCimg(ctx context.Context, t target) error {
	// Docker's older builder would make the working directory root's own.
	return buildFile(ctx, t, "FROM "+t.base+`
RUN install -d -o circleci -g circleci /home/circleci/project
USER circleci
WORKDIR /home/circleci/project
`)
}

// fromRegistry makes an image by a Dockerfile whose base comes from a
// registry. The cause is why it could not be made without one.
func fromRegistry(ctx context.Context, t target, dockerfile string, cause error) error {
	if err := buildFile(ctx, t, dockerfile); err != nil {
		return fmt.Errorf("neither from Debian's packages (%w) nor from a registry (%w)", cause, err)
	}
	return nil
}

// buildFile makes an image by a Dockerfile that needs no other files.
func buildFile(ctx context.Context, t target, dockerfile string) error {
	var files bytes.Buffer
	w := newTarball(&files)
	w.file("Dockerfile", dockerfile)
	if err := w.close(); err != nil {
		return err
	}
	return build(ctx, &files, t)
}
