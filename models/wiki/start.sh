#!/bin/sh
# Starts Debian's MediaWiki for this study, in the foreground, out of a temporary folder: nginx on 127.0.0.1:${WIKI_PORT:-8090},
# php-fpm on ${WIKI_PHP_PORT:-8091}, MariaDB on ${WIKI_DB_PORT:-8092}, and a wiki that fill.php fills, the same each time.
#
# Works as root (PHP is then the user www-data, MariaDB the user mysql) and as anybody else, needs no network, and touches
# nothing outside its temporary folder. TERM, INT and HUP end the three servers and remove the folder; only KILL, which no script
# can catch, leaves it.
set -eu

port=${WIKI_PORT:-8090}
php_port=${WIKI_PHP_PORT:-8091}
db_port=${WIKI_DB_PORT:-8092}
study=$(cd "$(dirname "$0")" && pwd)
wiki=/usr/share/mediawiki
PATH=$PATH:/usr/sbin

missing() {
    echo "start.sh: $1 was not found; tests/run sets up what the tests need, MediaWiki included" >&2
    exit 1
}
fpm=$(ls /usr/sbin/php-fpm[0-9]* 2>/dev/null | sort -V | tail -n 1)
[ -x "$fpm" ] || missing php-fpm
[ -f "$wiki/maintenance/install.php" ] || missing MediaWiki
for program in nginx php mariadbd mariadb-install-db; do command -v "$program" >/dev/null || missing "$program"; done

# The traps come before what they clean up.
folder= db= php= web=
end() { [ -z "$web$php$db" ] || kill -TERM $web $php $db 2>/dev/null || true; }
trap 'end; [ -z "$folder" ] || rm -rf "$folder"' EXIT
trap 'if [ -n "$web" ]; then end; else exit 143; fi' TERM INT HUP
folder=$(mktemp -d "${TMPDIR:-/tmp}/locust-nest-wiki.XXXXXX")
chmod 755 "$folder"
mkdir "$folder/cache" "$folder/images" "$folder/www" "$folder/data"
fill() { sed -e "s|@FOLDER@|$folder|g" -e "s|@PORT@|$port|g" -e "s|@PHP_PORT@|$php_port|g" -e "s|@WIKI@|$wiki|g" "$study/$1"; }
fill nginx.conf.template >"$folder/nginx.conf"
fill php-fpm.conf.template >"$folder/php-fpm.conf"

# Neither MariaDB nor PHP works as root.
as_mysql= as_www=
if [ "$(id -u)" -eq 0 ]; then
    chown mysql: "$folder/data"
    chown www-data: "$folder/cache" "$folder/images"
    as_mysql="setpriv --reuid=mysql --regid=mysql --init-groups"
    as_www="setpriv --reuid=www-data --regid=www-data --init-groups"
    printf 'user = www-data\ngroup = www-data\n' >>"$folder/php-fpm.conf"
fi
cd "$folder"
export LC_ALL=C TZ=UTC

# What is not written down at once is lost only with the machine, and the folder with it. The server ends as if it had crashed
# (fast shutdown 2): nobody reads its data again.
database="--no-defaults --datadir=$folder/data --innodb-log-file-size=64M --innodb-flush-log-at-trx-commit=0 --skip-log-bin"
$as_mysql mariadb-install-db $database --auth-root-authentication-method=normal --skip-test-db >"$folder/install.log" 2>&1 || {
    cat "$folder/install.log" >&2
    exit 1
}
$as_mysql mariadbd $database --socket="$folder/data/socket" --bind-address=127.0.0.1 --port="$db_port" --innodb-fast-shutdown=2 \
    --innodb-buffer-pool-size=128M --innodb-stats-auto-recalc=OFF --max-connections=100 --skip-name-resolve --silent-startup &
db=$!
until [ -S "$folder/data/socket" ]; do
    kill -0 "$db" || exit 1
    sleep 0.05
done
# MediaWiki's own installer, then its settings without those of this study; both, then pages.
php "$wiki/maintenance/install.php" --quiet --dbtype=mysql --dbserver="localhost:$folder/data/socket" --dbname=wiki --dbuser=root --dbpass= \
    --server="http://127.0.0.1:$port" --scriptpath= --lang=en --pass=an-admin-of-the-wiki --confpath="$folder" Wiki Admin >&2
cat "$study/settings.php" >>"$folder/LocalSettings.php"
export MW_CONFIG_FILE="$folder/LocalSettings.php" WIKI_FOLDER="$folder"
$as_www php "$study/fill.php" >&2

"$fpm" --nodaemonize --fpm-config "$folder/php-fpm.conf" &
php=$!
until php -r 'exit(@fsockopen("127.0.0.1", (int)$argv[1]) ? 0 : 1);' "$php_port"; do
    kill -0 "$php" || exit 1
    sleep 0.05
done
nginx -e stderr -p "$folder" -c "$folder/nginx.conf" &
web=$!

# Every page once, so that the caches are full before anything is measured; then the file that the study waits for.
php "$study/warm.php" "http://127.0.0.1:$port" >&2
echo ready >"$folder/www/ready"

# wait returns early when a trap has run; then the servers are still on their way out. If one ends by itself, all do.
for server in $web $php $db; do
    while kill -0 "$server" 2>/dev/null; do
        wait "$server" || true
        end
    done
done
