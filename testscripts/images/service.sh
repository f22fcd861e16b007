# Is what the environment asks for: with POSTGRES_PASSWORD PostgreSQL, as the
# official image takes its variables, otherwise Redis. Nothing of a database
# outlives the container: so it does not wait for the disk.
set -eu
[ $# -eq 0 ] || exec "$@"
[ -n "${POSTGRES_PASSWORD:-}" ] || exec redis-server --protected-mode no

user=${POSTGRES_USER:-postgres}
name=${POSTGRES_DB:-$user}
data=/var/lib/postgresql/data
PATH=$(echo /usr/lib/postgresql/*/bin):$PATH
as_postgres() { setpriv --reuid postgres --regid postgres --clear-groups "$@"; }

install -d -o postgres -g postgres -m 700 "$data"
umask 077
echo "$POSTGRES_PASSWORD" >/tmp/password
chown postgres /tmp/password
as_postgres initdb --pgdata "$data" --username "$user" --pwfile /tmp/password \
	--auth-local trust --auth-host scram-sha-256 --no-sync >/dev/null
rm /tmp/password
if [ "$name" != postgres ]; then
	echo "CREATE DATABASE \"$name\"" | as_postgres postgres --single -j -D "$data" postgres >/dev/null
fi
exec setpriv --reuid postgres --regid postgres --clear-groups postgres -D "$data" -c fsync=off
