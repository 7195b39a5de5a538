#!/bin/bash
# Makes a cluster on the first start and then runs the server as the user postgres.
# Knows the variables that people use with the usual image: POSTGRES_USER, POSTGRES_PASSWORD,
# POSTGRES_PASSWORD_FILE, POSTGRES_DB, PGDATA and *.sql files in /docker-entrypoint-initdb.d.
set -eu
[ "${1:-postgres}" = postgres ] || exec "$@"
as_postgres() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }

mkdir -p "$PGDATA" /run/postgresql
chown postgres:postgres "$PGDATA" /run/postgresql
chmod 0700 "$PGDATA"
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    user=${POSTGRES_USER:-postgres}
    database=${POSTGRES_DB:-$user}
    if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then
        POSTGRES_PASSWORD=$(cat "$POSTGRES_PASSWORD_FILE")
    fi
    if [ -z "${POSTGRES_PASSWORD:-}" ]; then
        echo "postgres: set POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE" >&2
        exit 1
    fi
    password_file=$(mktemp)
    printf '%s' "$POSTGRES_PASSWORD" >"$password_file"
    chown postgres "$password_file"
    as_postgres initdb --username="$user" --pwfile="$password_file" --auth-host=scram-sha-256 \
        --auth-local=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync >/dev/null
    rm -f "$password_file"
    echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
    as_postgres pg_ctl -w -o "-c listen_addresses=''" start >/dev/null
    if [ "$database" != postgres ]; then
        as_postgres createdb --username="$user" "$database"
    fi
    for file in /docker-entrypoint-initdb.d/*.sql; do
        [ -e "$file" ] || continue
        as_postgres psql -v ON_ERROR_STOP=1 --username="$user" --dbname="$database" -f "$file"
    done
    as_postgres pg_ctl -w -m fast stop >/dev/null
fi
unset POSTGRES_PASSWORD
[ $# -gt 0 ] || set -- postgres
shift
exec setpriv --reuid=postgres --regid=postgres --init-groups postgres -c listen_addresses='*' "$@"
