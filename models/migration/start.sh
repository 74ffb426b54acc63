#!/bin/sh
# Starts the demo shop with its database as a second tier, in the foreground: the shop on 127.0.0.1:7880, the database on 7881.
# The shop gets core 0, the database core 1 beside the load generator, which needs little of it: so that neither takes the other's time.
set -eu
"$LOCUST_NEST" shop-tier --listen 127.0.0.1:7881 --cores 1 &
database=$!
trap 'kill -TERM "$database" "${shop:-}" 2>/dev/null || true' EXIT TERM INT HUP
"$LOCUST_NEST" shop --listen 127.0.0.1:7880 --items 2000 --cores 0 --database-tier 127.0.0.1:7881 &
shop=$!
wait "$shop"
