#!/bin/sh
# Starts Debian's PostgreSQL for this study: in the foreground, on 127.0.0.1:${BANK_PORT:-8089}, out of a temporary folder, with
# a database `bank` of 10,000 accounts that hold 1,000.00 each and have made 20 transfers each.
#
# Works as root (the server is then the user postgres) and as anybody else, needs no network, and touches nothing outside its
# temporary folder. TERM, INT and HUP end the server and remove the folder; only KILL, which no script can catch, leaves it.
set -eu

port=${BANK_PORT:-8089}
binaries=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
[ -x "$binaries/initdb" ] || {
    echo "start.sh: PostgreSQL was not found in /usr/lib/postgresql; tests/run sets up what the tests need, PostgreSQL included" >&2
    exit 1
}

# The traps come before what they clean up. QUIT has the server end at once: TERM would wait for its customers, and INT would save
# what is thrown away here.
folder= server=
trap '[ -z "$folder" ] || rm -rf "$folder"' EXIT
trap 'if [ -n "$server" ]; then kill -QUIT "$server" 2>/dev/null || true; else exit 143; fi' TERM INT HUP
folder=$(mktemp -d "${TMPDIR:-/tmp}/locust-nest-bank.XXXXXX")

# The server refuses to be root.
as=
if [ "$(id -u)" -eq 0 ]; then
    chown postgres: "$folder"
    as="setpriv --reuid=postgres --regid=postgres --init-groups"
fi
cd "$folder" # which the server may enter, whatever folder the study lies in
export LC_ALL=C TZ=UTC

# Customers need no password: only this machine reaches the server.
$as "$binaries/initdb" --pgdata=data --username=bank --auth=trust --encoding=UTF8 --no-sync >/dev/null

# Nobody can connect before the accounts are there: they are made by a server without a port. Room in each page (fillfactor)
# lets a row be changed where it is.
sql() { $as "$binaries/postgres" --single -D data -j -c exit_on_error=on "$1" >/dev/null; }
echo "create database bank;" | sql postgres
sql bank <<SQL
create table accounts (id bigint primary key, cents bigint not null) with (fillfactor = 50);

insert into accounts select id, 100000 from generate_series(1, 10000) as id;

create table entries (payer bigint not null, payee bigint not null, cents bigint not null, at timestamptz not null default clock_timestamp());

insert into entries
    select id % 10000 + 1, (id * 7919 + 1) % 10000 + 1, id % 1000 + 1, timestamp '2026-01-01' + id * interval '1 minute' from generate_series(1, 200000) as id;

create index on entries (payer, at);

vacuum analyze;
SQL

# Cleaning up is left out: in a run of a minute it would be a burst in one step and not in another.
$as "$binaries/postgres" -D data -c listen_addresses=127.0.0.1 -c port="$port" -c unix_socket_directories= -c max_connections=300 \
    -c shared_buffers=64MB -c autovacuum=off -c jit=off &
server=$!

# wait returns early when a trap has run; then the server is still on its way out.
status=0
wait "$server" || status=$?
while kill -0 "$server" 2>/dev/null; do
    status=0
    wait "$server" || status=$?
done
exit "$status"
