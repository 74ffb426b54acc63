#!/bin/sh
# Starts Debian's nginx for this study: in the foreground, on 127.0.0.1:${NGINX_PORT:-8088}, out of a temporary folder.
#
# Works as root and as anybody else, needs no network, and touches nothing outside its temporary folder. TERM, INT and HUP
# end nginx and remove the folder; only KILL, which no script can catch, leaves the folder behind.
set -eu

port=${NGINX_PORT:-8088}
study=$(dirname "$0")
nginx=$(PATH="$PATH:/usr/sbin" command -v nginx) || {
    echo "start.sh: nginx was found neither in PATH nor in /usr/sbin; tests/run sets up what the tests need, nginx included" >&2
    exit 1
}

# The traps come before what they clean up. $! is nginx once it has been started, and nothing before that.
folder=
trap '[ -z "$folder" ] || rm -rf "$folder"' EXIT
trap 'if [ -n "${!:-}" ]; then kill -TERM "$!" 2>/dev/null || true; else exit 143; fi' TERM INT HUP
folder=$(mktemp -d "${TMPDIR:-/tmp}/locust-nest-nginx.XXXXXX")
chmod 755 "$folder" # where root starts nginx, its worker is somebody else, who must be able to read the pages

# text SEED BYTES: paragraphs of English words up to about that size, the same for the same seed. Some words are frequent
# and most are rare, and every line holds a number: what gzip then has to do is what it has to do for a real page.
text() {
    awk -v seed="$1" -v bytes="$2" '
        function random() { seed = (seed * 16807) % 2147483647; return seed / 2147483647 } # Park and Miller, 1988
        BEGIN {
            count = split("the of and to a in is that it for was on with as be at by this had not are but from or have an they which " \
                "one you were her all she there would their we him been has when who will more no if out so said what up its about into " \
                "than them can only other new some could time these two may then do first any my now such like our over man me even most " \
                "made after also did many before must through back years where much your way well down should because each just those " \
                "people how too little state good very make world still own see men work long get here between both life being under " \
                "never day same another know while last might us great old year off come since against go came right used take three " \
                "order price account garden window letter market number office paper question reason river school service street summer " \
                "table teacher village winter animal bridge butter candle cellar church corner doctor engine family farmer feather finger " \
                "forest harbour island kettle kitchen ladder leather machine mirror morning mountain needle orchard passage pepper picture " \
                "pocket quarter railway saddle season shadow shoulder silver station stocking sugar thunder ticket valley velvet wagon " \
                "weather whistle widow yellow", word, " ")
            while (written < bytes) {
                line = "<p>" int(100000 * random()) ":"
                length_of_line = 8 + int(60 * random())
                for (n = 0; n < length_of_line; n++) {
                    line = line " " word[1 + int(count * random() * random())]
                    if (random() < 0.04) line = line substr("aeiounrst", 1 + int(9 * random()), 1 + int(3 * random()))
                }
                line = line ".</p>"
                print line
                written += length(line) + 1
            }
        }' </dev/null
}

# page TITLE SEED BYTES: a whole page. behaviours/*.toml look for the title, or for its absence where the page is compressed.
page() {
    printf '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>%s</title></head><body>\n' "$1"
    text "$2" "$3"
    printf '</body></html>\n'
}

mkdir "$folder/pages" "$folder/backend"
page "A small page" 1 1000 >"$folder/pages/small.html"
page "A large page" 2 300000 >"$folder/pages/large.html"
page "A page from behind" 3 40000 >"$folder/backend/page.html"

sed -e "s|@FOLDER@|$folder|g" -e "s|@PORT@|$port|g" "$study/nginx.conf.template" >"$folder/nginx.conf"

# -e: what happens before the configuration is read goes to the terminal as well, not to a system log.
"$nginx" -e stderr -p "$folder" -c "$folder/nginx.conf" &

# wait returns early when a trap has run; then nginx is still on its way out.
status=0
wait "$!" || status=$?
while kill -0 "$!" 2>/dev/null; do
    status=0
    wait "$!" || status=$?
done
exit "$status"
