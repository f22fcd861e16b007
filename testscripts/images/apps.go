package images

import (
	"bytes"
	"context"
	_ "embed"
)

// appInstall installs what the examples of the documentation run beside their
// own code. Debian's PostgreSQL compiles queries with LLVM, a hundred
// megabytes that no example needs.
const appInstall = `set -eu
mkdir -p /etc/postgresql-common
echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
export DEBIAN_FRONTEND=noninteractive
apt-get -o Acquire::Languages=none update -qq
apt-get install -qq --yes --no-install-recommends nodejs postgresql python3-psycopg2 python3-redis redis-server
rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb /usr/share/doc /usr/share/locale \
	/usr/lib/*/libLLVM* /usr/lib/llvm-* /usr/lib/postgresql/*/lib/llvmjit.so /usr/lib/postgresql/*/lib/bitcode
`

// appService starts what the container is to be.
//
//go:embed service.sh
var appService string

// makeApps makes one image for all of them: most of the time goes into lists
// of packages and into layers.
func makeApps(ctx context.Context, t target) error {
	var files bytes.Buffer
	w := newTarball(&files)
	w.file("usr/local/share/service.sh", appService)
	if err := w.close(); err != nil {
		return err
	}
	return addLayer(ctx, t, &files, appInstall, `ENTRYPOINT ["sh", "/usr/local/share/service.sh"]`, "CMD []")
}
